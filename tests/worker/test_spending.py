# SPDX-License-Identifier: GPL-3.0-or-later
"""What a worker knows of the job's costs, and that it stops at the limit."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import pytest

from cloud_render.contract import spending
from cloud_render.contract.errors import StoppedByLimit, StorageUnavailable
from cloud_render.contract.keys import Prefix
from cloud_render.contract.report import Machine
from cloud_render.contract.spending import Pulse
from worker.attempt import Attempt
from worker.month import MonthlyLimit
from worker.s3 import Bucket
from worker.spending import Account, pulse_of


class Watched(Bucket):
    """A real bucket that counts listings, tells of writes, and can be out of reach."""

    def __init__(self, rig) -> None:
        super().__init__(rig.s3, rig.bucket)
        self.listings = 0
        self.gone = False
        self.wrote = threading.Semaphore(0)

    def list(self, prefix):
        self.listings += 1
        if self.gone:
            raise StorageUnavailable("No answer.")
        return super().list(prefix)

    def put(self, key, body, content_type="application/octet-stream"):
        if self.gone:
            raise StorageUnavailable("No answer.")
        super().put(key, body, content_type)
        self.wrote.release()


class Clock:
    """The time, set by hand; it begins now, as S3's own does."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


JOB = "20261121-101500-scene-ab12"
OWN = Pulse(0, 0, 1, 0, "i-own", "g5.xlarge", "spot")


@pytest.fixture
def bucket(rig):
    return Watched(rig)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def account(rig, bucket, clock):
    def make(limit_usd=None, **options):
        own = replace(OWN, started=round(clock.now))
        return Account(bucket, rig.prefix, own, limit_usd, lambda _type, _market: 36.0, clock, **options)

    return make


def usd(seconds: float) -> float:
    """Of one machine at a cent a second that worked so long."""
    return (spending.STARTING_S + seconds + spending.IDLE_MOST_S) * 0.01


def another(rig, bucket, clock, number: int, seconds_ago: float) -> None:
    pulse = Pulse(0, number, 1, round(clock.now - seconds_ago), f"i-{number}", "g5.xlarge", "spot")
    bucket.put(pulse.key(rig.prefix), b"")


def test_a_worker_counts_itself_from_its_start(account, clock):
    """Also before its own pulse is in any listing."""
    made = account()
    clock.now += 100
    assert made.so_far().usd == pytest.approx(usd(100), abs=0.02)


def test_others_count_before_their_reports(rig, bucket, account, clock):
    """A running child costs, whoever asks."""
    another(rig, bucket, clock, 1, seconds_ago=500)
    another(rig, bucket, clock, 2, seconds_ago=300)
    found = account().so_far()
    assert found.machines == 3
    assert found.usd == pytest.approx(usd(500) + usd(300) + usd(0), abs=0.05)


def test_s3_is_asked_once_a_minute(rig, bucket, account, clock):
    """In between, what is known goes on costing."""
    another(rig, bucket, clock, 1, seconds_ago=500)
    made = account()
    before = made.so_far().usd
    clock.now += 59
    assert made.so_far().usd == pytest.approx(before + 2 * 59 * 0.01, abs=0.01)
    assert bucket.listings == 1
    clock.now += 2
    made.so_far()
    assert bucket.listings == 2


def test_a_pulse_comes_at_the_start_each_time_and_at_the_end(rig, bucket, account):
    """One object, whose date is the last sign of life."""
    with account(every_s=0.01):
        for _ in range(3):
            assert bucket.wrote.acquire(timeout=60)
    (row,) = bucket.list(spending.pulses(rig.prefix))
    assert Pulse.of_key(row.key).instance_id == "i-own"
    assert row.size == 0
    assert abs(row.modified - time.time()) < 60


def test_the_limit_stops_before_the_next_frame(account, clock):
    """The frame that would pass it is not begun; the words name both amounts and what to do."""
    made = account(limit_usd=usd(100) + 0.5)
    clock.now += 100
    made.check(frame_s=40)
    with pytest.raises(StoppedByLimit, match=r"\$5\.25.*limit of \$5\.75") as stopped:
        made.check(frame_s=60)
    assert stopped.value.exit_code == 72
    assert "Raise the limit" in stopped.value.advice


def test_without_a_limit_nothing_is_asked(bucket, account):
    """Nor does it cost a request."""
    account(limit_usd=None).check(frame_s=1e9)
    assert bucket.listings == 0


def test_a_storage_that_goes_away_leaves_the_last_answer(rig, bucket, account, clock):
    """The limit is kept with what was known; the first answer is needed."""
    another(rig, bucket, clock, 1, seconds_ago=500)
    made = account(limit_usd=usd(500) + usd(100))
    made.check(frame_s=1)
    bucket.gone = True
    clock.now += 70
    with pytest.raises(StoppedByLimit):
        made.check(frame_s=100)
    with pytest.raises(StorageUnavailable):
        account(limit_usd=1.0).check(frame_s=1)


def test_a_pulse_that_fails_does_not_stop_a_render(bucket, account, caplog):
    """It is a warning in the log."""
    bucket.gone = True
    with account():
        pass
    assert "no pulse" in caplog.text


def test_a_pulse_says_who_and_where(rig):
    """What Batch and the machine know goes into its name."""
    attempt = Attempt("job", 7, 20, 2)
    made = pulse_of(3, attempt, Machine("i-1", "g6.xlarge", "us-east-1a", 4, "spot"), 1234.6)
    assert made == Pulse(3, 7, 2, 1235, "i-1", "g6.xlarge", "spot")


# ---- The month's limit ----------------------------------------------------------------------------------------------
OTHER = "20261103-080000-other-cd34"


@pytest.fixture
def monthly(bucket, clock):
    """The month's limit as a worker of JOB has it."""
    return lambda limit_usd=50.0: MonthlyLimit(bucket, JOB, limit_usd, clock)


def told(rig) -> dict[str, int]:
    """What lies in the bucket of each job's total, in cents."""
    rows = rig.s3.list_objects_v2(Bucket=rig.bucket, Prefix="spending/").get("Contents", ())
    return {row["Key"]: row["Size"] for row in rows}


def test_a_job_tells_its_total_to_the_month(rig, account, clock, monthly):
    """With its first check, as an object of so many bytes as it has cost cents, in the month of its id."""
    made = account(month=monthly())
    clock.now += 100
    made.check(frame_s=1)
    assert told(rig) == {f"spending/2026-11/{JOB}": pytest.approx(usd(100) * 100, abs=2)}


def test_a_total_is_told_once_a_minute_and_at_the_end(rig, clock, monthly):
    """And only when it is another one."""
    made = monthly()
    for after_s, amount in ((0, 1.0), (30, 2.0), (31, 3.0), (100, 3.0)):
        clock.now += after_s
        made.tell(amount)
        assert list(told(rig).values()) == [{1.0: 100, 2.0: 100, 3.0: 300}[amount]]
    made.tell(3.5, last=True)
    assert list(told(rig).values()) == [350]


def test_a_worker_tells_while_it_renders_one_long_frame(rig, bucket, account, monthly):
    """By its pulses, since no frame ends."""
    with account(month=monthly(), every_s=0.01):
        for _ in range(4):
            assert bucket.wrote.acquire(timeout=60)
        assert list(told(rig)) == [f"spending/2026-11/{JOB}"]


def test_the_month_stops_a_job_that_has_money_left(rig, bucket, account, clock, monthly):
    """What other jobs of the month have cost counts; the words name the month, both amounts and what to do."""
    bucket.put(f"spending/2026-11/{OTHER}", b"c" * 4_500)
    bucket.put("spending/2026-10/20261031-080000-other-cd34", b"c" * 99_999)
    made = account(limit_usd=100.0, month=monthly())
    made.check(frame_s=1)
    clock.now += 70
    with pytest.raises(StoppedByLimit, match=r"2026-11 have cost about \$49\.9.*month's limit of \$50\.00") as stopped:
        made.check(frame_s=20)
    assert stopped.value.exit_code == 72
    assert "MonthlyLimitUsd" in stopped.value.advice


def test_the_jobs_own_limit_holds_below_the_months(account, clock, monthly):
    """The smaller rest counts."""
    made = account(limit_usd=usd(100), month=monthly())
    clock.now += 100
    with pytest.raises(StoppedByLimit, match="pass its limit"):
        made.check(frame_s=10)


def test_other_jobs_are_heard_once_a_minute(bucket, account, clock, monthly):
    """One listing of the month beside that of the pulses, and none without a limit."""
    made = account(month=monthly())
    for after_s in (0, 30, 31):
        clock.now += after_s
        made.check(frame_s=1)
    assert bucket.listings == 4
    account().check(frame_s=1)
    assert bucket.listings == 4


def test_a_month_that_can_not_be_read_is_needed_once(rig, bucket, account, clock, monthly):
    """Later the last answer has to do."""
    bucket.put(f"spending/2026-11/{OTHER}", b"c" * 4_500)
    made = account(month=monthly())
    made.check(frame_s=1)
    bucket.gone = True
    clock.now += 70
    with pytest.raises(StoppedByLimit):
        made.check(frame_s=20)
    with pytest.raises(StorageUnavailable):
        monthly().check(spending.Spending(0, 0, 0), 1, 1)


def test_jobs_that_run_at_the_same_time_share_what_is_left(rig, bucket, clock):
    """All together pass the limit by what their machines cost in two minutes at most, and by one frame each."""
    limit_usd, frame_s, began = 60.0, 30.0, clock.now
    jobs = [f"20261121-10150{number}-scene-ab12" for number in range(8)]
    accounts = {
        job: Account(
            bucket,
            Prefix.of_job(job),
            Pulse(0, 0, 1, round(began), f"i-{job}", "g5.xlarge", "spot"),
            None,
            lambda _type, _market: 36.0,
            clock,
            month=MonthlyLimit(bucket, job, limit_usd, clock),
        )
        for job in jobs
    }
    cost: dict[str, float] = {}
    while len(cost) < len(jobs):
        for job in set(jobs) - set(cost):
            try:
                accounts[job].check(frame_s)
            except StoppedByLimit:
                cost[job] = usd(clock.now - began)
        clock.now += frame_s
    assert 0.8 * limit_usd < sum(cost.values()) < limit_usd + len(jobs) * 0.01 * (120 + frame_s)
