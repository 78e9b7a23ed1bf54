# SPDX-License-Identifier: GPL-3.0-or-later
"""German: impersonal, in the words of Blender's own German."""

TEXTS = {
    # The panel's upper part
    "Cloud": "Cloud",
    "Cloud Render": "Cloud Render",
    "Render in Cloud": "In der Cloud rendern",
    "1 frame": "1 Bild",
    "{count} frames": "{count} Bilder",
    "frames?": "Bilder?",
    "GPU or CPU": "GPU oder CPU",
    "Packing…": "Wird gepackt …",
    "Saving a copy…": "Kopie wird gespeichert …",
    "Looking what is new…": "Neues wird gesucht …",
    "Ready to send": "Bereit zum Senden",
    "Uploading…": "Wird hochgeladen …",
    "{part} %": "{part} %",
    "{done} of {total}": "{done} von {total}",
    "{rate}/s": "{rate}/s",
    "{time} left": "noch {time}",
    "The upload of {name} was interrupted": "{name}: Hochladen unterbrochen",
    "1 image has unsaved changes": "1 Bilddatei ist nicht gespeichert",
    "{count} images have unsaved changes": "{count} Bilddateien sind nicht gespeichert",
    "Save All Images": "Alle Bilder speichern",
    # What stands in the way
    "Blender may not use the internet": "Blender darf nicht ins Internet",
    "It was started with --offline-mode": "Gestartet mit --offline-mode",
    "Allow Online Access": "Online-Zugriff erlauben",
    "Blender may not use the internet: allow it in the preferences, System, Network": (
        "Blender darf nicht ins Internet: in den Einstellungen unter System, Netzwerk erlauben"
    ),
    "Blender was started with --offline-mode": "Blender wurde mit --offline-mode gestartet",
    "Open Preferences": "Einstellungen öffnen",
    "Try Again": "Erneut versuchen",
    "Dismiss": "Ausblenden",
    "Don't show this any more": "Dies nicht mehr anzeigen",
    "Cloud Render itself failed: {error}": "Cloud Render selbst ist gescheitert: {error}",
    "The system console has the details; please report them.": ("Näheres steht in der Systemkonsole; bitte melden."),
    # What was found before anything is sent
    "Frames {frames} again, the others are kept": "Bilder {frames} noch einmal, die anderen bleiben",
    "1 machine": "1 Maschine",
    "1 test frame is kept": "1 Testbild wird übernommen",
    "{count} test frames are kept": "{count} Testbilder werden übernommen",
    "Test frames are rendered again: {name} was changed since": (
        "Testbilder werden neu gerendert: {name} wurde seitdem geändert"
    ),
    "Test frames are rendered again: the scene was changed since": (
        "Testbilder werden neu gerendert: Die Szene wurde seitdem geändert"
    ),
    "up to {count} machines": "bis zu {count} Maschinen",
    "{new} to upload, {there} there already": "{new} hochzuladen, {there} schon da",
    "Nothing to upload: all {size} are there already": "Nichts hochzuladen: alle {size} sind schon da",
    "Rendered by Blender {version}": "Gerendert von Blender {version}",
    "Blender {version} is installed in the cloud first: some minutes": (
        "Blender {version} wird zuerst in der Cloud installiert: einige Minuten"
    ),
    "Rendered by Blender {version}, as the cloud has it": "Gerendert von Blender {version}, wie in der Cloud vorhanden",
    "1 file is missing": "1 Datei fehlt",
    "{count} files are missing": "{count} Dateien fehlen",
    "and {count} more": "und {count} weitere",
    "Select What Needs It": "Auswählen, was sie braucht",
    "Select the objects that need this file, and show the image that does": (
        "Die Objekte auswählen, die diese Datei brauchen, und das Bild anzeigen, das sie braucht"
    ),
    "Index": "Index",
    "Of the missing file": "Der fehlenden Datei",
    "Nothing is missing": "Nichts fehlt",
    "Nothing asks for {path} any more": "Nichts braucht {path} noch",
    "no object of this scene uses it": "kein Objekt dieser Szene benutzt sie",
    # Sending
    "Send this scene, as it is now, to the cloud and render it there. Nothing is sent before you have seen what": (
        "Diese Szene, wie sie jetzt ist, an die Cloud senden und dort rendern. Was gesendet wird, ist vorher zu sehen"
    ),
    "Allow Missing Files": "Fehlende Dateien zulassen",
    "Render even though files are missing": "Rendern, auch wenn Dateien fehlen",
    "Put them back or mend their paths; or allow_missing=True to go on without them.": (
        "Dateien zurücklegen oder Pfade berichtigen; oder mit allow_missing=True ohne sie fortfahren."
    ),
    "Job {id}": "Job {id}",
    "Save the file first: what it refers to is found from there": (
        "Zuerst die Datei speichern: von dort aus wird gefunden, worauf sie verweist"
    ),
    "The scene has no camera": "Die Szene hat keine Kamera",
    "A scene is on its way already": "Eine Szene ist schon unterwegs",
    "Nothing is packed": "Nichts ist gepackt",
    "The scene {name} is no longer there.": "Die Szene {name} ist nicht mehr da.",
    "Press the button again.": "Den Knopf noch einmal drücken.",
    "Render": "Rendern",
    "Ask": "Fragen",
    "Open the dialog as soon as it is known what would be sent": (
        "Den Dialog öffnen, sobald bekannt ist, was gesendet würde"
    ),
    "Stop": "Anhalten",
    "Stop packing or uploading. What was uploaded stays, and the upload can go on later": (
        "Packen oder Hochladen anhalten. Hochgeladenes bleibt, und es kann später weitergehen"
    ),
    "Resume": "Fortsetzen",
    "Go on with an upload that was broken off, with the scene as it was then": (
        "Ein abgebrochenes Hochladen fortsetzen, mit der Szene, wie sie damals war"
    ),
    "Discard": "Verwerfen",
    "Forget an upload that was broken off. The .blend itself is not touched": (
        "Ein abgebrochenes Hochladen vergessen. Die .blend-Datei selbst bleibt unberührt"
    ),
    "Upload": "Hochladen",
    "Which one": "Welches",
    "This upload can't go on: {error}": "Hochladen kann nicht weitergehen: {error}",
    "Discard it, and submit the scene again.": "Es verwerfen und die Szene neu senden.",
    # The price
    "About {usd}": "Etwa {usd}",
    "download, unless free": "Herunterladen, wenn nicht frei",
    "So far {usd} of {all}": "Bisher {usd} von {all}",
    "So far {usd}": "Bisher {usd}",
    "stops at {usd}": "Ende bei {usd}",
    "Cost: about {usd}": "Kosten: etwa {usd}",
    "Bill": "Rechnung",
    "Show what the job's cost is made of": "Zeigen, woraus die Kosten des Jobs bestehen",
    "own machine": "eigene Maschine",
    "of it rendering": "davon Rendern",
    "of it starting": "davon Starten",
    "of it waiting": "davon Warten",
    "of it lost work, retries: {count}": "davon verloren, wiederholt: {count}",
    "storage a month": "Speicher im Monat",
    "An estimate, without tax: AWS bills days later.": "Eine Schätzung ohne Steuern: AWS rechnet Tage später ab.",
    "Nothing is running now ({time})": "Jetzt läuft nichts ({time})",
    "Still on: {what} ({time})": "Noch an: {what} ({time})",
    "1 job": "1 Job",
    "{count} jobs": "{count} Jobs",
    "When Done": "Wenn fertig",
    "Looking for your jobs…": "Jobs werden gesucht …",
    "All Findings": "Alle Befunde",
    "Show what works, too": "Auch zeigen, was funktioniert",
    "Working out the price…": "Preis wird ermittelt …",
    "Test Frames": "Testbilder",
    "Render a few frames of the scene first, in full quality. They tell what all of them will cost": (
        "Zuerst einige Bilder der Szene in voller Qualität rendern. Sie sagen, was alle kosten werden"
    ),
    "Test frames {frames}, each on a machine": "Testbilder {frames}, je eine Maschine",
    "These frames tell what all of them will cost": ("Diese Bilder sagen, was alle kosten werden"),
    "Look at what was found and what it will cost, then send it to the cloud and render it": (
        "Ansehen, was gefunden wurde und was es kosten wird, dann an die Cloud senden und rendern"
    ),
    "Look and Send…": "Ansehen und senden …",
    "It was stopped meanwhile": "Es wurde inzwischen angehalten",
    "Choice": "Auswahl",
    "How many machines share the frames: what it costs, and how long it takes": (
        "Wie viele Maschinen sich die Bilder teilen: was es kostet, und wie lange es dauert"
    ),
    "As in Settings": "Wie in den Einstellungen",
    "As the settings have it": "So, wie die Einstellungen es vorgeben",
    "Balanced": "Ausgewogen",
    "Cheapest": "Am günstigsten",
    "Fastest": "Am schnellsten",
    "{count} machines": "{count} Maschinen",
    "about {time}": "etwa {time}",
    "{likely} ({low} to {high})": "{likely} ({low} bis {high})",
    "What It Is Made Of": "Woraus er besteht",
    "Show what the price is made of": "Zeigen, woraus der Preis besteht",
    "{usd} if no Spot machine came at all": "{usd}, wenn gar keine Spot-Maschine käme",
    "From {count} measured frames": "Aus {count} gemessenen Bildern",
    "The price is not known yet": "Der Preis ist noch nicht bekannt",
    "Without test frames: nothing is known of this scene's price": (
        "Ohne Testbilder: der Preis dieser Szene ist unbekannt"
    ),
    "No price: {why}": "Kein Preis: {why}",
    "Done By": "Fertig bis",
    "A time of day such as 18:30, or how long it may take, such as 8h. With a price, the cheapest way that is done by "
    "then comes first. Empty: no deadline": (
        "Eine Uhrzeit wie 18:30, oder wie lange es dauern darf, wie 8h. Mit einem Preis kommt zuerst der günstigste "
        "Weg, der bis dahin fertig ist. Leer: keine Frist"
    ),
    "In time": "Rechtzeitig",
    "Too late": "Zu spät",
    "By {moment}, in {span}": "Bis {moment}, in {span}",
    "{hours} h {minutes} min": "{hours} h {minutes} min",
    "{minutes} min": "{minutes} min",
    "Can't be done in {time}: the fastest takes about {likely}": (
        "In {time} nicht zu schaffen: am schnellsten dauert es etwa {likely}"
    ),
    "May not be done in {time}: the fastest may take {most}": (
        "In {time} vielleicht nicht zu schaffen: auch am schnellsten kann es {most} dauern"
    ),
    "Whether it is done by {deadline} is not known": "Ob es bis {deadline} fertig ist, ist unbekannt",
    "It can't be done by {deadline}": "Bis {deadline} ist es nicht zu schaffen",
    "This month: {spent} of {all}": "In diesem Monat: {spent} von {all}",
    "Nothing is left of the month's limit: raise it, or wait for the next month": (
        "Von der Grenze des Monats ist nichts übrig: sie anheben oder den nächsten Monat abwarten"
    ),
    "The job will stop there: the rest is less than its price": "Der Job wird dort enden: der Rest reicht nicht",
    "Stop at USD": "Ende bei USD",
    "End the job before it costs more; what is rendered stays. 0: no limit": (
        "Den Job beenden, bevor er mehr kostet; Gerendertes bleibt. 0: keine Grenze"
    ),
    "End the job before it costs more; what is rendered stays. 0: at twice the price that the dialog shows": (
        "Den Job beenden, bevor er mehr kostet; Gerendertes bleibt. 0: beim Doppelten des Preises im Dialog"
    ),
    "Frames per Job": "Bilder pro Job",
    "Frames that one machine renders in a row. 0: as the price or the number of frames suggests": (
        "Bilder, die eine Maschine nacheinander rendert. 0: wie Preis oder Zahl der Bilder es nahelegen"
    ),
    "Machines": "Maschinen",
    "How much the scene needs. A frame that does not fit there is tried again on larger ones": (
        "Wie viel die Szene braucht. Ein Bild, das nicht hineinpasst, wird auf größeren wiederholt"
    ),
    "Small": "Klein",
    "Large": "Groß",
    "16 GB of graphics memory or more, and 16 GB of memory": (
        "Mindestens 16 GB Grafikspeicher und 16 GB Arbeitsspeicher"
    ),
    "22 GB of graphics memory or more, and 32 GB of memory": (
        "Mindestens 22 GB Grafikspeicher und 32 GB Arbeitsspeicher"
    ),
    "44 GB of graphics memory or more, and 64 GB of memory": (
        "Mindestens 44 GB Grafikspeicher und 64 GB Arbeitsspeicher"
    ),
    # What a check found
    "All is well": "Alles in Ordnung",
    "1 finding is good": "1 Befund ist gut",
    "{count} findings are good": "{count} Befunde sind gut",
    "Remove Cloud…": "Cloud entfernen …",
    # Jobs
    "Jobs": "Jobs",
    "Job": "Job",
    "Name": "Name",
    "The job's id": "Die Kennung des Jobs",
    "The job's id; empty: the selected one": "Die Kennung des Jobs; leer: der ausgewählte",
    "What the job was called": "Wie der Job heißt",
    "All jobs of the bucket, the newest first": "Alle Jobs des Buckets, die neuesten zuerst",
    "Active Job": "Aktiver Job",
    "Phase": "Phase",
    "uploading, submitted, queued, rendering, mending, stitching, done, failed or cancelled": (
        "uploading, submitted, queued, rendering, mending, stitching, done, failed oder cancelled"
    ),
    "Frames Done": "Fertige Bilder",
    "Frames that are in the cloud": "Bilder, die in der Cloud liegen",
    "All Frames": "Alle Bilder",
    "Frames that the job has": "Bilder, die der Job hat",
    "Problem": "Problem",
    "Why it failed, or what stands in its way": "Warum er gescheitert ist, oder was ihm im Weg steht",
    "Selected Job": "Ausgewählter Job",
    "The id of the selected job; after a submit, of the new one": (
        "Die Kennung des ausgewählten Jobs; nach dem Absenden die des neuen"
    ),
    "The job that is selected": "Der ausgewählte Job",
    "No jobs yet": "Noch keine Jobs",
    "Refresh shows the jobs of your cloud": "Aktualisieren zeigt die Jobs der Cloud",
    "Uploading": "Wird hochgeladen",
    "Submitted": "Übergeben",
    "Waiting for a machine": "Wartet auf eine Maschine",
    "Installing": "Installation",
    "Installing Blender {version}": "Installation: Blender {version}",
    "{frames} will be gone within a day": "Binnen eines Tages gelöscht: {frames}",
    "{frames} will be gone in {days}": "In {days} gelöscht: {frames}",
    "1 day": "1 Tag",
    "{count} days": "{count} Tagen",
    "Rendering": "Rendert",
    "Looking at what failed": "Sieht nach, was fehlschlug",
    "Making the video": "Video entsteht",
    "Done": "Fertig",
    "Failed": "Gescheitert",
    "Cancelled": "Abgebrochen",
    "{phase} · {done} of {total}": "{phase} · {done} von {total}",
    "Downloading…": "Wird heruntergeladen …",
    "This is going on already": "Dies läuft schon",
    "No job is selected.": "Kein Job ist ausgewählt.",
    "Select one in the list, or give its job_id.": "Einen in der Liste auswählen oder seine job_id angeben.",
    "Something is being done to the job": "Mit dem Job geschieht gerade etwas",
    "The job is still running": "Der Job läuft noch",
    "The job has ended": "Der Job ist zu Ende",
    "Refresh": "Aktualisieren",
    "List the jobs of the cloud anew": "Die Jobs der Cloud neu auflisten",
    "Look at Job": "Nach Job sehen",
    "Look at how the job is doing. Blender does so by itself; scripts may wait with it": (
        "Nachsehen, wie es um den Job steht. Blender tut das von selbst; Skripte können damit warten"
    ),
    "Cancel Job": "Job abbrechen",
    "End the job. Frames that are done stay, and the rest can be rendered later": (
        "Den Job beenden. Fertige Bilder bleiben, und der Rest kann später gerendert werden"
    ),
    "Cancelling…": "Wird abgebrochen …",
    "Cancel this job?": "Diesen Job abbrechen?",
    "Frames that are done stay, and the rest can be rendered later.": (
        "Fertige Bilder bleiben, und der Rest kann später gerendert werden."
    ),
    "Retry Missing Frames": "Fehlende Bilder erneut rendern",
    "Render the frames that are missing once more, then make the video": (
        "Die fehlenden Bilder noch einmal rendern, dann das Video erstellen"
    ),
    "Raise Limit and Go On…": "Grenze anheben und weiter …",
    "End the job before all of it costs more, what it has cost included. 0: as before": (
        "Den Job beenden, bevor er insgesamt mehr kostet, bisherige Kosten eingeschlossen. 0: wie bisher"
    ),
    "All frames are there: only the video is made": "Alle Bilder sind da: nur das Video entsteht",
    "Missing: {count} of {total}": "Es fehlen: {count} von {total}",
    "What it has cost is not known yet": "Bisherige Kosten noch unbekannt",
    "It has cost {usd} so far, without a limit": "Bisher {usd}, ohne Grenze",
    "It has cost {usd} so far; it stopped at its limit of {limit}": "Bisher {usd}; an der Grenze von {limit} beendet",
    "It has cost {usd} so far; its limit is {limit}": "Bisher {usd}; Grenze {limit}",
    "It has cost more than that already": "Er hat schon mehr gekostet",
    "The job has cost {usd} already.": "Der Job hat schon {usd} gekostet.",
    "Choose a higher limit.": "Eine höhere Grenze wählen.",
    "Stitch What Is There": "Video aus Vorhandenem",
    "Make the video of the frames that are there; a missing one is held from its neighbour": (
        "Das Video aus den vorhandenen Bildern erstellen; ein fehlendes wird durch seinen Nachbarn ersetzt"
    ),
    "Submitting…": "Wird übergeben …",
    "Delete Job": "Job löschen",
    "Delete the job's frames and video from the cloud for good. What was downloaded stays": (
        "Bilder und Video des Jobs endgültig aus der Cloud löschen. Heruntergeladenes bleibt"
    ),
    "Deleting…": "Wird gelöscht …",
    "Delete this job?": "Diesen Job löschen?",
    "Its frames and video are deleted from the cloud for good. What was downloaded stays.": (
        "Seine Bilder und sein Video werden endgültig aus der Cloud gelöscht. Heruntergeladenes bleibt."
    ),
    "Delete": "Löschen",
    "Render Frames Again": "Bilder erneut rendern",
    "Render some frames of this job again with the scene as it is now; the others are kept": (
        "Einige Bilder dieses Jobs mit der Szene, wie sie jetzt ist, erneut rendern; die anderen bleiben"
    ),
    "Which to render again, such as 12-20 or 5,8": "Welche erneut zu rendern sind, etwa 12-20 oder 5,8",
    "Show Log": "Protokoll zeigen",
    "Show the end of the log in a text editor: of the machine that failed, or of the one that works": (
        "Das Ende des Protokolls in einem Texteditor zeigen: das der gescheiterten Maschine oder der arbeitenden"
    ),
    "{job} log": "Protokoll {job}",
    "Nothing was written yet.": "Noch wurde nichts geschrieben.",
    # Results
    "Add the finished frames to the Video Sequencer as an image strip": (
        "Die fertigen Bilder als Bildstreifen in den Videosequenzer einfügen"
    ),
    "Download": "Herunterladen",
    "Bring the job's frames and video to this computer; of a running job, what there is": (
        "Bilder und Video des Jobs auf diesen Rechner holen; von einem laufenden Job, was da ist"
    ),
    "Folder": "Ordner",
    "Where to put them; empty: a folder for the job in the one of the preferences": (
        "Wohin damit; leer: ein Ordner für den Job in dem der Einstellungen"
    ),
    "The download is going on": "Das Herunterladen läuft",
    "Download When Done": "Herunterladen, wenn fertig",
    "Bring the results to this computer by itself when the job has ended, or don't": (
        "Die Ergebnisse von selbst auf diesen Rechner holen, wenn der Job zu Ende ist, oder nicht"
    ),
    "Stop Download": "Herunterladen anhalten",
    "Stop the download. What has arrived stays, and the next one goes on from there": (
        "Das Herunterladen anhalten. Angekommenes bleibt, und das nächste setzt dort fort"
    ),
    "Show Frame": "Bild zeigen",
    "Show this frame in full size in an Image Editor": "Dieses Bild in voller Größe in einem Bildeditor zeigen",
    "Frame": "Einzelbild",
    "Its number": "Seine Nummer",
    "Nothing of this job is on this computer yet: download it first": (
        "Von diesem Job ist noch nichts auf diesem Rechner: zuerst herunterladen"
    ),
    "Open Video": "Video öffnen",
    "Play the video with this computer's own player": "Das Video mit dem Player dieses Rechners abspielen",
    "The video is not on this computer yet: download it first": (
        "Das Video ist noch nicht auf diesem Rechner: zuerst herunterladen"
    ),
    "Open Folder": "Ordner öffnen",
    "Open the folder with the job's files": "Den Ordner mit den Dateien des Jobs öffnen",
    "{path} is not there any more": "{path} ist nicht mehr da",
    "Load as Strip": "Als Streifen laden",
    "There are no frames on this computer yet.": "Auf diesem Rechner sind noch keine Bilder.",
    "Download them first.": "Zuerst herunterladen.",
    # Settings of the scene
    "Settings": "Einstellungen",
    "Video": "Video",
    "Extra Files": "Weitere Dateien",
    "Frames": "Bilder",
    "Which frames to render": "Welche Bilder gerendert werden",
    "Animation": "Animation",
    "The scene's frame range and step, whatever they are when you render": (
        "Bildbereich und Schrittweite der Szene, wie sie beim Rendern sind"
    ),
    "Current Frame": "Aktuelles Bild",
    "Only the frame that you see": "Nur das sichtbare Bild",
    "Custom Range": "Eigener Bereich",
    "Frames of your own, such as 1-250, 1-250x2 or 1-10,20..25,40": (
        "Eigene Auswahl, etwa 1-250, 1-250x2 oder 1-10,20..25,40"
    ),
    "Range": "Bereich",
    "Frames to render, such as 1-250, 1-250x2 or 1-10,20..25,40": (
        "Zu rendernde Bilder, etwa 1-250, 1-250x2 oder 1-10,20..25,40"
    ),
    "Camera": "Kamera",
    "Render with this camera instead of the scene's own": "Mit dieser Kamera rendern statt mit der der Szene",
    "View Layer": "Ansichtsebene",
    "Render only this one. Empty: those that the scene has switched on": (
        "Nur diese rendern. Leer: alle, die in der Szene eingeschaltet sind"
    ),
    "Override Samples": "Eigene Abtastwerte",
    "Render with another number of samples": "Mit einer anderen Zahl von Abtastwerten rendern",
    "Samples": "Abtastwerte",
    "Samples a pixel in the cloud": "Abtastwerte pro Pixel in der Cloud",
    "Override Scale": "Eigene Skalierung",
    "Render at another percentage of the resolution": "Mit einem anderen Prozentsatz der Auflösung rendern",
    "Scale": "Skalierung",
    "Of the resolution": "Der Auflösung",
    "Override Resolution": "Eigene Auflösung",
    "Render in another size": "In einer anderen Größe rendern",
    "Resolution": "Auflösung",
    "Width": "Breite",
    "Height": "Höhe",
    "In pixels, at 100 %": "In Pixeln, bei 100 %",
    "Ask AWS for More": "AWS um mehr bitten",
    "Device": "Gerät",
    "What renders": "Was rendert",
    "As Set Up": "Wie eingerichtet",
    "What the cloud was set up for": "Wofür die Cloud eingerichtet wurde",
    "Graphics cards; fails where Blender would use none": "Grafikkarten; scheitert, wo Blender keine benutzen würde",
    "Processors only": "Nur Prozessoren",
    "Any": "Beliebig",
    "A graphics card where there is one, else the processor": "Eine Grafikkarte, wo es eine gibt, sonst der Prozessor",
    "Whether the frames become a video": "Ob aus den Bildern ein Video wird",
    "Automatic": "Automatisch",
    "A video where there is more than one frame": "Ein Video, wenn es mehr als ein Bild ist",
    "Yes": "Ja",
    "A video, even of one frame": "Ein Video, auch aus einem Bild",
    "No": "Nein",
    "Frames only": "Nur Bilder",
    "Container": "Container",
    "The video's file format": "Das Dateiformat des Videos",
    "As in Scene": "Wie in der Szene",
    "The scene's own container if its output is a video, else one that fits the codec": (
        "Der Container der Szene, wenn ihre Ausgabe ein Video ist, sonst einer, der zum Codec passt"
    ),
    "Plays everywhere": "Läuft überall",
    "For editing": "Zum Schneiden",
    "Holds every codec": "Fasst jeden Codec",
    "For the web": "Fürs Web",
    "Codec": "Codec",
    "How the video is compressed": "Wie das Video komprimiert wird",
    "The scene's own codec if its output is a video, else H.264": (
        "Der Codec der Szene, wenn ihre Ausgabe ein Video ist, sonst H.264"
    ),
    "Half the size of H.264, plays on newer devices": "Halb so groß wie H.264, läuft auf neueren Geräten",
    "Smallest, plays on the newest devices and browsers": "Am kleinsten, läuft auf den neuesten Geräten und Browsern",
    "Large, for editing": "Groß, zum Schneiden",
    "Lossless, for archives": "Verlustfrei, für Archive",
    "Quality": "Qualität",
    "Of the video": "Des Videos",
    "The scene's own quality if its output is a video, else high": (
        "Die Qualität der Szene, wenn ihre Ausgabe ein Video ist, sonst hoch"
    ),
    "Lossless": "Verlustfrei",
    "Every pixel as rendered": "Jedes Pixel wie gerendert",
    "High": "Hoch",
    "No difference to be seen": "Kein Unterschied zu sehen",
    "Medium": "Mittel",
    "Smaller": "Kleiner",
    "Low": "Niedrig",
    "Smallest, for a first look": "Am kleinsten, für einen ersten Blick",
    "Sound": "Sound",
    "The scene's sound in the video": "Der Sound der Szene im Video",
    "Files and folders that the scene does not name itself": "Dateien und Ordner, die die Szene nicht selbst nennt",
    "Active Extra File": "Aktive weitere Datei",
    "The one that is selected": "Die ausgewählte",
    "Path": "Pfad",
    "A file or folder to take along": "Eine Datei oder ein Ordner zum Mitnehmen",
    "Add Files": "Dateien hinzufügen",
    "Take files or a folder along that the scene does not name itself": (
        "Dateien oder einen Ordner mitnehmen, die die Szene nicht selbst nennt"
    ),
    "Remove File": "Datei entfernen",
    "Don't take the selected file along": "Die ausgewählte Datei nicht mitnehmen",
    "No file is selected": "Keine Datei ist ausgewählt",
    "Run Scripts": "Skripte ausführen",
    "Let Python in the .blend run in the cloud: drivers, registered texts": (
        "Python der .blend-Datei in der Cloud ausführen: Treiber, registrierte Texte"
    ),
    "Before Rendering": "Vor dem Rendern",
    "A script that runs in the cloud before the first frame": "Ein Skript, das in der Cloud vor dem ersten Bild läuft",
    "After Rendering": "Nach dem Rendern",
    "A script that runs in the cloud after the last frame; what it leaves in $CLOUD_RENDER_OUTPUT comes back too": (
        "Ein Skript, das in der Cloud nach dem letzten Bild läuft; was es in $CLOUD_RENDER_OUTPUT hinterlässt, kommt"
        " auch zurück"
    ),
    "Bring frames and video to this computer by itself": "Bilder und Video von selbst auf diesen Rechner holen",
    "Cloud Render Presets": "Cloud-Render-Voreinstellungen",
    "Settings of the cloud that were kept under a name": "Unter einem Namen bewahrte Einstellungen der Cloud",
    "Add Cloud Render Preset": "Cloud-Render-Voreinstellung hinzufügen",
    "Keep these settings under a name, or remove them": (
        "Diese Einstellungen unter einem Namen bewahren oder entfernen"
    ),
    # Preferences
    "Profile": "Profil",
    "Of your AWS configuration (~/.aws/config). Empty: the default one, or what the environment says": (
        "Aus der AWS-Konfiguration (~/.aws/config). Leer: das Standardprofil, oder was die Umgebung sagt"
    ),
    "Region": "Region",
    "Such as eu-central-1. Empty: the profile's own": "Etwa eu-central-1. Leer: die des Profils",
    "Stack": "Stack",
    "The name under which the cloud was set up": "Der Name, unter dem die Cloud eingerichtet wurde",
    "Endpoint": "Endpunkt",
    "Of a cloud on this computer (cloud-render local). Empty: AWS": (
        "Einer Cloud auf diesem Rechner (cloud-render local). Leer: AWS"
    ),
    "Downloads": "Downloads",
    "Folder for finished frames and videos": "Ordner für fertige Bilder und Videos",
    "Check": "Prüfen",
    "See what works and what doesn't: sign-in, permissions, the stack, this Blender in the cloud": (
        "Sehen, was geht und was nicht: Anmeldung, Rechte, der Stack, dieses Blender in der Cloud"
    ),
    "Checking…": "Wird geprüft …",
    "Cloud Render Preferences": "Cloud-Render-Einstellungen",
    "Open Cloud Render's preferences: account, region, stack, folder for downloads": (
        "Die Einstellungen von Cloud Render öffnen: Konto, Region, Stack, Ordner für Downloads"
    ),
    # Signing in
    "Sign In": "Anmelden",
    "Sign In to AWS": "Bei AWS anmelden",
    "Sign In through the Browser…": "Im Browser anmelden …",
    "Sign in to AWS in your browser. What the AWS tools keep of it, and nothing else, stays on this computer": (
        "Im Browser bei AWS anmelden. Auf diesem Rechner bleibt davon, was die AWS-Werkzeuge behalten, sonst nichts"
    ),
    "Portal": "Portal",
    "The address of your AWS access portal, such as https://my-company.awsapps.com/start": (
        "Die Adresse des AWS-Zugangsportals, etwa https://my-company.awsapps.com/start"
    ),
    "Portal's Region": "Region des Portals",
    "Where the portal lives, such as eu-central-1": "Wo das Portal zu Hause ist, etwa eu-central-1",
    "A profile that signed in before; empty: a portal's address": (
        "Ein Profil, das schon angemeldet war; leer: die Adresse eines Portals"
    ),
    "Open Browser": "Browser öffnen",
    "Open Browser Again": "Browser erneut öffnen",
    "Open the browser at the sign-in page again": "Den Browser noch einmal mit der Anmeldeseite öffnen",
    "Signing in…": "Anmeldung läuft …",
    "Confirm the code {code} in the browser": "Den Code {code} im Browser bestätigen",
    "Don't sign in": "Nicht anmelden",
    "Which account and role shall render?": "Welches Konto und welche Rolle sollen rendern?",
    "Use": "Verwenden",
    "Use this account and role: a profile for it is written into your AWS configuration": (
        "Dieses Konto und diese Rolle verwenden: ein Profil dafür wird in die AWS-Konfiguration geschrieben"
    ),
    "Of the account and role": "Von Konto und Rolle",
    "There is nothing to choose from.": "Es gibt nichts auszuwählen.",
    "Sign in first.": "Zuerst anmelden.",
    # Setting the cloud up, and taking it away
    "Make the cloud in your AWS account, or bring it up to date: network, queues, rights, and the worker's image": (
        "Die Cloud in diesem AWS-Konto einrichten oder auf den neuesten Stand bringen: Netz, "
        "Warteschlangen, Rechte und das Abbild des Workers"
    ),
    "Set Up or Update Cloud": "Cloud einrichten oder aktualisieren",
    "Set up the cloud in this account?": "Die Cloud in diesem Konto einrichten?",
    "It takes some ten minutes. While nothing renders, it costs only what is stored in it.": (
        "Es dauert etwa zehn Minuten. Solange nichts rendert, kostet nur, was darin gespeichert ist."
    ),
    "Set Up": "Einrichten",
    "End all jobs, and delete all frames, videos and scenes in the cloud, and the cloud itself": (
        "Alle Jobs beenden und alle Bilder, Videos und Szenen in der Cloud sowie die Cloud selbst löschen"
    ),
    "Remove Cloud": "Cloud entfernen",
    "Stack's Name": "Name des Stacks",
    "Type it, to show that you mean this one": "Zur Bestätigung eintippen",
    "Remove the Cloud": "Cloud entfernen",
    "Remove": "Entfernen",
    "All jobs end; all frames, videos and scenes in the cloud are deleted for good.": (
        "Alle Jobs enden; alle Bilder, Videos und Szenen in der Cloud werden endgültig gelöscht."
    ),
    "Nothing was removed: type {name} to remove it.": "Nichts wurde entfernt: {name} eintippen, um sie zu entfernen.",
    "Set-up": "Einrichtung",
    "The cloud is ready.": "Die Cloud ist bereit.",
}
