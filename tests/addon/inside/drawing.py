# SPDX-License-Identifier: GPL-3.0-or-later
"""What is drawn, in every state of the model."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import bpy
from blender import error_of, model, part
from guard import heard, of_files, of_hashes, of_network
from recorder import Picture, dialog, drawn, menu, panels, preferences_page, retry_dialog, sidebar
from states import (
    JOB,
    LONG,
    OTHER_JOB,
    OVER_LIMIT,
    also,
    bill,
    by,
    job,
    nothing,
    priced,
    problem,
    ready,
    running,
    showing,
    states,
    submit,
    transfer,
)

from cloud_render.client.expiry import Expiry
from cloud_render.contract.month import Month


@contextmanager
def in_each_state() -> Iterator[Any]:
    """Calls what is handed to it in each state; all that fails is told at once."""
    failed: list[str] = []

    def each(draw: Any) -> None:
        for name, put in states().items():
            with showing(put):
                try:
                    draw()
                except Exception as error:  # noqa: BLE001 - collected, and raised below
                    failed.append(f"{name}: {type(error).__name__}: {error}")

    yield each
    assert not failed, "\n".join(failed)


def draw_all() -> list[Picture]:
    pictures = [drawn(panel) for panel in panels()]
    shown = model().submit
    waits = [dialog(details=on) for on in (False, True)] if shown and shown.stage == "ready" else []
    return [*pictures, *waits, retry_dialog(), retry_dialog(0.01), preferences_page(), menu()]


def test_every_panel_draws_in_every_state():
    """All panels, the list's rows, the dialog, the preferences and the menu use names that this Blender has."""
    with in_each_state() as each:
        each(draw_all)


def test_every_panel_draws_every_choice_of_the_settings():
    """Also those that only show with a switch on."""
    chosen = bpy.context.scene.cloud_render
    for frames in ("ANIMATION", "CURRENT", "CUSTOM"):
        for on in (True, False):
            chosen.frames = frames
            chosen.frame_text = "no frames" if on else "1-10x3"
            chosen.use_samples = chosen.use_percentage = chosen.use_resolution = on
            chosen.device, chosen.video = ("ANY", "NO") if on else ("CPU", "YES")
            draw_all()


def test_drawing_changes_nothing():
    """A panel is drawn whenever the mouse moves: the model is the same before and after."""

    def draw() -> None:
        before = copy.deepcopy(vars(model()))
        draw_all()
        changed = {name for name, value in vars(model()).items() if value != before[name]}
        assert changed <= {"profiles_wanted"}, changed  # a wish that the pump hears

    with in_each_state() as each:
        each(draw)


def test_drawing_asks_neither_disk_nor_network():
    """Also where downloads lie on a share that answers slowly, the sidebar does not stutter."""
    part("remembered").remembered()  # read once, by the first tick

    def draw() -> None:
        with heard(of_files, of_network, of_hashes) as calls:
            draw_all()
        assert not calls, sorted(set(calls))

    with in_each_state() as each:
        each(draw)


def test_the_big_button_comes_with_one_line_of_what_it_renders():
    """120 frames · 1920×1080 · Cycles · GPU."""
    scene = bpy.context.scene
    scene.frame_start, scene.frame_end, scene.render.engine = 1, 120, "CYCLES"
    scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = 1920, 1080, 50
    scene.cloud_render.device = "GPU"
    picture = drawn(panels()[0])
    assert picture.operators == ["cloud_render.submit", "cloud_render.test"]
    assert "120 frames · 960×540 · Cycles · GPU" in picture.texts


def test_a_problem_stands_above_all_else_with_its_button():
    """In red, with what to do, and a way to be rid of it."""
    with showing(problem("There is no stack 'x' here.", "Set it up.", "preferences")):
        picture = drawn(panels()[0])
    assert picture.alarming().startswith("There is no stack 'x' here. Set it up.")
    wanted = ["cloud_render.preferences", "cloud_render.refresh", "cloud_render.dismiss", "cloud_render.submit"]
    assert picture.operators[:4] == wanted


def test_a_long_problem_is_cut_to_a_few_lines():
    """It does not push the button off the screen."""
    with showing(problem("word " * 500)):
        lines = [each for each in drawn(panels()[0]).of("label") if each.alert]
    assert 3 <= len(lines) <= 10
    assert lines[-1].text.endswith("…")


def test_offline_it_says_how_to_go_online():
    """One button, until Blender may use the network."""
    bpy.context.preferences.system.use_online_access = False
    picture = drawn(panels()[0])
    assert picture.texts[0] == "Blender may not use the internet"
    assert picture.operators[0] == "extensions.userpref_allow_online"


def test_started_offline_it_says_so_and_offers_nothing():
    """--offline-mode is the word of whoever started Blender; no button can change it."""
    with started_offline():
        picture = drawn(panels()[0])
        assert picture.texts[:2] == ["Blender may not use the internet", "It was started with --offline-mode"]
        assert "extensions.userpref_allow_online" not in picture.operators
        assert "Blender was started with --offline-mode" in error_of(bpy.ops.cloud_render.refresh)
        with in_each_state() as each:
            each(draw_all)


@contextmanager
def started_offline() -> Iterator[None]:
    """What bpy.app says then, to those who ask; in a process of its own only a whole Blender can be started so."""
    app = SimpleNamespace(online_access=False, online_access_override=True)
    askers = [part(name) for name in ("panels.main", "operators.base")]
    real = [asker.bpy for asker in askers]
    for asker in askers:
        asker.bpy = SimpleNamespace(**{**vars(bpy), "app": app})
    try:
        yield
    finally:
        for asker, module in zip(askers, real, strict=True):
            asker.bpy = module


def test_an_interrupted_upload_is_offered_by_its_name():
    """Each with Resume and Discard."""
    with showing(lambda model: setattr(model, "interrupted", (JOB, OTHER_JOB))):
        picture = drawn(panels()[0])
    assert "The upload of shot 010 was interrupted" in picture.words
    assert picture.operators[:4] == ["cloud_render.resume", "cloud_render.discard"] * 2


def test_while_a_scene_is_on_its_way_only_stop_is_there():
    """In each stage a word, and the one button."""
    for stage in ("packing", "saving", "checking", "pricing", "uploading"):
        with showing(submit(stage)):
            picture = drawn(panels()[0])
        assert picture.operators == ["cloud_render.stop"], stage
        assert picture.texts, stage


def test_an_upload_shows_bytes_rate_and_time_left():
    """12 MB of 80 MB · 3.1 MB/s · 0:22 left."""
    half = transfer(total=80_000_000, done=12_400_000, rate=3_100_000.0)
    with showing(submit("uploading", transfer=half)):
        picture = drawn(panels()[0])
    assert picture.of("progress")[0].values["factor"] == 0.155
    assert picture.texts == ["15 %", "12 MB of 80 MB · 3.1 MB/s · 0:22 left"]


def test_the_dialog_names_what_is_missing_and_counts_the_rest():
    """The first few files each with their owner and a button to select it, in red."""
    with showing(ready(missing=30)):
        picture = dialog()
    assert "30 files are missing" in picture.alarming()
    assert "Image 'wood 0': /textures/" in picture.alarming()
    assert "and 24 more" in picture.texts
    assert picture.operators == ["cloud_render.select_culprit"] * 6


def test_the_dialog_tells_warnings_and_notices():
    """What may render otherwise than seen, with advice; and where the job differs from the scene."""
    with showing(ready(warnings=8, notices=2)):
        picture = dialog()
    assert "and 2 more" in picture.texts
    assert {"Look at it.", "Notice 0.", "Notice 1."} <= set(picture.texts)


def test_the_dialog_tells_sizes_machines_and_the_blender():
    """What is sent against what is there already, and which Blender renders."""
    with showing(ready(new_bytes=234_567)):
        picture = dialog()
    assert picture.texts[1] == "235 kB to upload, 1.0 MB there already"
    assert picture.texts[2] == "Rendered by Blender 5.0.1"
    assert "20 frames" in picture.texts[0]


def test_the_dialog_says_that_the_blender_is_installed_first():
    """Else the minutes before the first frame would have no reason."""
    with showing(ready(installs=True)):
        picture = dialog()
    assert picture.texts[2] == "Blender 5.0.1 is installed in the cloud first: some minutes"


def test_a_scene_that_is_there_already_has_nothing_to_upload():
    """The dialog says so instead of zero bytes."""
    with showing(ready(new_bytes=0)):
        assert "Nothing to upload: all 1.2 MB are there already" in dialog().texts


def test_the_dialog_offers_ways_to_render_with_their_prices():
    """Machines, time and money with its range; the balanced one is taken unless another is picked."""
    with showing(ready(price=priced())):
        picture = dialog()
        limit = part("pricing").limit_of("BALANCED SMALL")
        taken = part("pricing").offers()["BALANCED SMALL"]
    offers = picture.of("prop_enum")
    assert [each.values["value"] for each in offers] == [
        *("BALANCED SMALL", "CHEAPEST SMALL", "FASTEST SMALL", "BALANCED LARGE")
    ]
    assert offers[0].text.startswith("Balanced · ")
    assert f"${taken.usd.likely:.2f} ($" in offers[0].text
    assert 2 * taken.usd.likely <= limit <= 2 * taken.usd.likely + 0.01


def test_with_a_deadline_the_cheapest_way_in_time_comes_first():
    """The dialog says when that is; ways that end later stand below, and are said to be late."""
    with showing(ready(price=priced())):
        without = part("pricing").offers()
    with showing(by("20min")):
        found = list(part("pricing").offers().values())
        picture = dialog(deadline="20min")
    in_time = [offer for offer in found if offer.meets_deadline]
    assert found[0].usd.likely == min(offer.usd.likely for offer in in_time)
    assert found[0] != next(iter(without.values()))
    texts = [each.text for each in picture.of("prop_enum")]
    assert texts[0].startswith(("In time · ", "Fastest · "))
    assert [text.startswith("Too late") for text in texts] == [not offer.meets_deadline for offer in found]
    assert any(text.startswith("By ") and text.endswith(", in 20 min") for text in picture.texts)
    assert picture.alarming() == ""


def test_ways_that_are_the_same_are_offered_once():
    """With a deadline several goals often come to one."""
    with showing(by("1min")):
        ways = [(offer.machines.name, offer.schedule.frames_per_job) for offer in part("pricing").offers().values()]
    assert len(ways) == len(set(ways))


def test_a_deadline_that_can_not_be_met_is_said():
    """In red, with what the fastest way takes; it may be sent all the same."""
    with showing(by("1min")):
        picture = dialog(deadline="1min")
        assert bpy.ops.cloud_render.send.poll()
    assert picture.alarming().startswith("Can't be done in 1 min: the fastest takes about ")
    assert all(each.text.startswith("Too late") for each in picture.of("prop_enum"))


def test_what_is_no_deadline_is_said_and_prices_stay():
    """With what to write instead."""
    with showing(by("soon")):
        picture = dialog(deadline="soon")
    assert picture.alarming().startswith("'soon' is no deadline. Write how long it may take")
    assert picture.of("prop_enum")[0].text.startswith("Balanced · ")


def test_a_deadline_without_a_price_is_said_to_be_unknown():
    """Nothing tells then how long the frames take."""
    with showing(ready(price=priced(quote=None), deadline="18:30")):
        assert "Whether it is done by 18:30 is not known" in dialog().texts


def test_the_dialog_tells_what_the_month_leaves():
    """In red where the price does not fit; where nothing is left, it is not sent."""
    with showing(ready(price=priced(), month=Month("2026-11", 50.0, 12.3))):
        picture = dialog()
    assert "This month: $12.30 of $50.00" in picture.texts
    assert picture.alarming() == ""
    with showing(ready(price=priced(), month=Month("2026-11", 50.0, 49.99))):
        assert dialog().alarming().startswith("This month: $49.99 of $50.00. The job will stop there")
    with showing(ready(month=Month("2026-11", 50.0, 50.0))) as shown:
        assert "Nothing is left of the month's limit" in dialog().alarming()
        assert "Nothing is left of the month's limit" in error_of(bpy.ops.cloud_render.send)
        assert shown.submit.stage == "ready"


def test_what_a_price_is_made_of_is_shown_on_request():
    """Item by item, with the worst case, where the prices come from, and that they are without tax."""
    with showing(ready(price=priced())):
        closed, opened = dialog(), dialog(details=True)
    assert "Spot machines" not in closed.words
    for words in ("Spot machines, rendering", "Download", "if no Spot machine came", "built-in table", "without tax"):
        assert words in opened.words, words


def test_without_a_price_the_dialog_says_why_and_can_be_confirmed():
    """No measurement, or a cloud that does not tell its prices."""
    with showing(ready(price=priced(quote=None))):
        assert "Without test frames: nothing is known of this scene's price" in dialog().texts
    with showing(ready(price=priced(why_not="AWS can't be reached."))):
        assert "No price: AWS can't be reached." in dialog().texts
        assert bpy.ops.cloud_render.send.poll()
    with showing(ready()):
        assert "The price is not known yet" in dialog().texts


def test_what_the_artist_picks_is_what_is_sent():
    """Frames a machine, the machines' size, and where the job stops; without a limit, none."""
    pricing = part("pricing")
    with showing(ready(price=priced())) as shown:
        made = pricing.chosen(shown.submit.found.plan, "BALANCED LARGE", 3.5)
        offer = pricing.offers()["BALANCED LARGE"]
    assert (made.machine, made.limits.cost_usd, made.frames_per_job) == ("large", 3.5, offer.schedule.frames_per_job)
    with showing(ready()) as shown:
        plan = shown.submit.found.plan
        assert pricing.chosen(plan, pricing.AS_PLANNED, 0.0) == plan


def test_the_panel_does_not_repeat_the_dialog():
    """One line and the button that opens it again; a missing file is said."""
    with showing(ready(missing=3, warnings=5, price=priced())):
        picture = drawn(panels()[0])
    assert picture.operators == ["cloud_render.send", "cloud_render.stop"]
    assert len(picture.of("label")) == 3
    assert picture.texts[1].startswith("About $")
    assert "3 files are missing" in picture.texts


def test_the_list_shows_each_job_with_its_progress():
    """The newest first; running ones with frames done of all."""
    with showing(job("rendering", 5, 20)):
        picture = sidebar()
    assert picture.words.index("shot 010") < picture.words.index(LONG[:100])
    assert "5/20" in picture.texts
    assert "3 frames" in picture.texts


def test_a_running_job_shows_what_it_has_cost_of_what_was_expected():
    """And where it stops by itself."""
    with showing(also(job("rendering"), bills={JOB: bill()})):
        assert "So far $0.41, stops at $2.40" in sidebar().texts
        part("remembered").price(JOB, 1.2)
        assert "So far $0.41 of $1.20, stops at $2.40" in sidebar().texts


def test_an_ended_job_shows_its_bill_on_request():
    """One line with the sum; opened, machines, lost work, storage and download, each as an estimate."""
    with showing(also(job("done", 20), bills={JOB: bill(final=True)})):
        closed = sidebar()
        bpy.context.window_manager.cloud_render.shows_bill = True
        opened = sidebar()
        bpy.context.window_manager.cloud_render.shows_bill = False
    assert "Cost: about $0.41" in closed.texts
    assert "2 × g5.xlarge spot, 0.8 h" not in closed.texts
    for text in ("2 × g5.xlarge spot, 0.8 h", "1 × own machine, 0.1 h", "of it lost work, retries: 1"):
        assert text in opened.texts, opened.texts
    assert "An estimate, without tax" in opened.words


def test_after_a_job_it_is_said_whether_anything_is_on():
    """With the time when that was looked at; not while a job runs."""
    for found, words in (
        (running(), "Nothing is running now (12:03)"),
        (running(machines=1), "Still on: 1 machine (12:03)"),
        (running(machines=2, jobs=1), "Still on: 2 machines, 1 job (12:03)"),
    ):
        with showing(also(job("done", 20), running=found)):
            assert words in sidebar().texts
        with showing(also(job("rendering"), running=found)):
            assert words not in sidebar().texts


def test_cancel_does_not_move_when_pictures_arrive():
    """It stands above them, and above what the download does."""
    with showing(job("rendering", newest=(3, 2, 1))):
        operators = sidebar().operators
    assert operators.index("cloud_render.cancel") < operators.index("cloud_render.download")


def test_jobs_of_one_name_are_told_apart_by_their_time():
    """By this computer's clock, with the day where that is not today."""
    with showing(job("rendering")):
        labels = [text for text in sidebar().texts if text.startswith("shot 010 ")]
    made = part("mirror").submitted_at(JOB).astimezone()
    assert labels == [f"shot 010 {made:%m-%d %H:%M}"]


def test_a_running_job_can_be_cancelled_and_an_ended_one_retried():
    """No button that can't work is shown."""
    with showing(job("rendering")):
        running = sidebar().operators
    with showing(job("failed")):
        failed = sidebar().operators
    assert {"cloud_render.cancel", "cloud_render.download_when_done"} <= set(running)
    assert not {"cloud_render.retry", "cloud_render.stitch", "cloud_render.delete"} & set(running)
    assert {"cloud_render.retry", "cloud_render.stitch", "cloud_render.delete", "cloud_render.again"} <= set(failed)
    assert "cloud_render.cancel" not in failed


def test_a_job_that_its_limit_stopped_is_offered_a_higher_one():
    """The button says so; the dialog tells what was spent and what is missing, and refuses what is spent already."""
    stopped = also(job("failed", 5, 20, problem=OVER_LIMIT), bills={JOB: bill(0.45, 0.5)})
    with showing(stopped):
        assert "Raise Limit and Go On…" in sidebar().texts
        asked, low = retry_dialog(3.15), retry_dialog(0.45)
    assert asked.texts == ["Missing: 15 frames of 20", "It has cost $0.45 so far; it stopped at its limit of $0.50"]
    assert low.alarming() == "It has cost more than that already"
    with showing(also(job("failed", problem="Blender wrote no picture."), bills={JOB: bill()})):
        assert "Raise Limit and Go On…" not in sidebar().texts
        assert "It has cost $0.41 so far; its limit is $2.40" in retry_dialog().texts


def test_the_limit_of_a_job_that_goes_on_leaves_room_for_its_missing_frames():
    """Twice what they are likely to take beside what is spent; a limit that allows that stays as it is."""
    suggested = part("pricing").limit_to_go_on
    assert suggested(bill(0.45, 0.5), 5, 15) == 3.15
    assert suggested(bill(0.45, 9.0), 5, 15) == 9.0
    assert suggested(bill(0.1, 0.2), 0, 20) == 0.35
    assert suggested(bill(0.45, None), 5, 15) == suggested(None, 5, 15) == 0.0


def test_a_job_whose_blender_is_installed_says_so():
    """It does not only wait for a machine."""
    with showing(job("queued", 0, installs="5.0.1")):
        assert "Installing Blender 5.0.1 · 0 of 20" in sidebar().texts
    with showing(job("queued", 0)):
        assert "Waiting for a machine · 0 of 20" in sidebar().texts


def test_frames_that_will_be_deleted_are_said_in_red_above_the_button_that_gets_them():
    """Days before; the list marks such a job, too."""
    for days_left, words in ((5, "12 frames will be gone in 5 days"), (0, "12 frames will be gone within a day")):
        with showing(job("done", 20, expiry=Expiry("2026-04-02T00:00:00+00:00", days_left, 12, 20))):
            picture = sidebar()
        assert words in picture.alarming()
        after = picture.drawn[[each.text for each in picture.drawn].index(words) :]
        button = next(each for each in after if each.what == "operator")
        assert (button.values["operator"], button.alert) == ("cloud_render.download", False)
        marked = [each.text for each in picture.of("label") if each.values.get("icon") == "ERROR"]
        assert (marked[0].startswith("shot 010 "), marked[1:]) == (True, [words])


def test_why_a_job_failed_is_red():
    """What stands in the way of one that goes on is not."""
    with showing(job("failed", problem="Blender wrote no picture for frame 3.")):
        assert "Blender wrote no picture for frame 3." in sidebar().alarming()
    with showing(job("queued", problem="No machine is free.")):
        picture = sidebar()
    assert "No machine is free." in picture.words
    assert "No machine" not in picture.alarming()


def test_a_download_shows_its_progress_and_can_be_stopped():
    """The button to download has gone meanwhile."""
    with showing(job("done")) as shown:
        shown.downloads[JOB] = transfer(total=100, done=40)
        picture = sidebar()
    assert "cloud_render.stop_download" in picture.operators
    assert "cloud_render.download" not in picture.operators
    assert "40 B of 100 B" in picture.texts


def test_the_check_up_shows_what_is_wrong_and_folds_away_what_is_good():
    """What is wrong in red, and a word while it goes on."""
    shown = bpy.context.window_manager.cloud_render
    with showing(states()["checks"]):
        closed = preferences_page()
        shown.shows_good = True
        opened = preferences_page()
        shown.shows_good = False
    assert closed.alarming().startswith("Stack: ")
    assert {"1 finding is good", "Checking…"} <= set(closed.texts)
    assert "Sign-in: Account 1" not in closed.texts
    assert "Sign-in: Account 1" in opened.texts


def test_a_profile_that_works_offers_no_sign_in():
    """One that is signed out does, and one that is not known."""
    known = part("model").KnownProfile
    for profiles, offered in (
        ((known("", ""),), 0),
        ((known("", "Signed out.", needs_sign_in=True),), 1),
        ((known("", "It wants a code."),), 1),
        ((), 1),
    ):
        with showing(also(nothing, profiles=profiles)):
            assert preferences_page().operators.count("cloud_render.sign_in") == offered, profiles


def test_what_is_said_to_artists_has_no_commands_to_type():
    """A stack's name that looks like the program is none."""
    for_artists = part("trouble").for_artists
    assert for_artists("It is missing. Build it: cloud-render setup.") == "It is missing."
    assert for_artists("Allow them with --allow-missing.") == ""
    assert for_artists("The stack cloud-render is there.") == "The stack cloud-render is there."


def test_the_render_menu_has_it():
    """Render ▸ Render in Cloud."""
    assert menu().operators == ["cloud_render.submit"]
    picture = Picture()
    assert picture.operators == []
    with showing(nothing):
        assert part("panels.spaces").draw_menu in bpy.types.TOPBAR_MT_render.draw._draw_funcs
