# SPDX-License-Identifier: GPL-3.0-or-later
"""Japanese, in the words of Blender's own Japanese."""

TEXTS = {
    # The panel's upper part
    "Cloud": "クラウド",
    "Cloud Render": "Cloud Render",
    "Render in Cloud": "クラウドでレンダリング",
    "1 frame": "1 フレーム",
    "{count} frames": "{count} フレーム",
    "frames?": "フレーム？",
    "GPU or CPU": "GPU または CPU",
    "Packing…": "パック中…",
    "Saving a copy…": "コピーを保存中…",
    "Looking what is new…": "新しい内容を確認中…",
    "Ready to send": "送信の準備完了",
    "Uploading…": "アップロード中…",
    "{part} %": "{part} %",
    "{done} of {total}": "{done} / {total}",
    "{rate}/s": "{rate}/秒",
    "{time} left": "残り {time}",
    "The upload of {name} was interrupted": "{name}：アップロード中断",
    "1 image has unsaved changes": "未保存の画像が 1 つあります",
    "{count} images have unsaved changes": "未保存の画像が {count} 個あります",
    "Save All Images": "画像をすべて保存",
    # What stands in the way
    "Blender may not use the internet": "インターネットアクセスが無効です",
    "It was started with --offline-mode": "--offline-mode で起動されています",
    "Allow Online Access": "オンラインアクセスを許可",
    "Blender may not use the internet: allow it in the preferences, System, Network": (
        "インターネットアクセスが無効です。プリファレンスの「システム」→「ネットワーク」で許可してください"
    ),
    "Blender was started with --offline-mode": "Blender は --offline-mode で起動されています",
    "Open Preferences": "プリファレンスを開く",
    "Try Again": "再試行",
    "Dismiss": "閉じる",
    "Don't show this any more": "この表示を消します",
    "Cloud Render itself failed: {error}": "Cloud Render 自体のエラー：{error}",
    "The system console has the details; please report them.": (
        "詳細はシステムコンソールにあります。報告をお願いします。"
    ),
    # What was found before anything is sent
    "Frames {frames} again, the others are kept": "フレーム {frames} を再レンダリング、他は保持",
    "1 machine": "1 台のマシン",
    "1 test frame is kept": "テストフレーム 1 枚を引き継ぎます",
    "{count} test frames are kept": "テストフレーム {count} 枚を引き継ぎます",
    "Test frames are rendered again: {name} was changed since": (
        "テストフレームを再レンダリングします: その後 {name} が変更されました"
    ),
    "Test frames are rendered again: the scene was changed since": (
        "テストフレームを再レンダリングします: その後シーンが変更されました"
    ),
    "up to {count} machines": "最大 {count} 台のマシン",
    "{new} to upload, {there} there already": "{new} をアップロード、{there} は送信済み",
    "Nothing to upload: all {size} are there already": "アップロード不要：{size} すべて送信済み",
    "Rendered by Blender {version}": "Blender {version} でレンダリング",
    "Blender {version} is installed in the cloud first: some minutes": (
        "最初に Blender {version} をクラウドにインストールします（数分）"
    ),
    "Rendered by Blender {version}, as the cloud has it": "クラウドにある Blender {version} でレンダリング",
    "1 file is missing": "1 個のファイルがありません",
    "{count} files are missing": "{count} 個のファイルがありません",
    "and {count} more": "他 {count} 件",
    "Select What Needs It": "使用元を選択",
    "Select the objects that need this file, and show the image that does": (
        "このファイルを使うオブジェクトを選択し、使う画像を表示します"
    ),
    "Index": "インデックス",
    "Of the missing file": "欠けているファイルの番号",
    "Nothing is missing": "欠けているものはありません",
    "Nothing asks for {path} any more": "{path} はもう使われていません",
    "no object of this scene uses it": "このシーンで使うオブジェクトはありません",
    # Sending
    "Send this scene, as it is now, to the cloud and render it there. Nothing is sent before you have seen what": (
        "現在のシーンをクラウドに送り、そこでレンダリングします。送信前に内容を確認できます"
    ),
    "Allow Missing Files": "ファイルの欠落を許可",
    "Render even though files are missing": "ファイルが欠けていてもレンダリングします",
    "Put them back or mend their paths; or allow_missing=True to go on without them.": (
        "ファイルを戻すかパスを直してください。allow_missing=True なら、なくても続行できます。"
    ),
    "Job {id}": "ジョブ {id}",
    "Save the file first: what it refers to is found from there": (
        "先にファイルを保存してください。参照先はそこから探されます"
    ),
    "The scene has no camera": "シーンにカメラがありません",
    "A scene is on its way already": "すでに別のシーンを送信中です",
    "Nothing is packed": "パックされたシーンがありません",
    "The scene {name} is no longer there.": "シーン「{name}」がなくなりました。",
    "Press the button again.": "もう一度ボタンを押してください。",
    "Render": "レンダー",
    "Ask": "確認",
    "Open the dialog as soon as it is known what would be sent": ("送信する内容が分かり次第、ダイアログを開きます"),
    "Stop": "中止",
    "Stop packing or uploading. What was uploaded stays, and the upload can go on later": (
        "パックまたはアップロードを中止します。送信済みの内容は残り、後で再開できます"
    ),
    "Resume": "再開",
    "Go on with an upload that was broken off, with the scene as it was then": (
        "中断したアップロードを、その時点のシーンのまま再開します"
    ),
    "Discard": "破棄",
    "Forget an upload that was broken off. The .blend itself is not touched": (
        "中断したアップロードを破棄します。.blend ファイル自体は変更しません"
    ),
    "Upload": "アップロード",
    "Which one": "対象",
    "This upload can't go on: {error}": "このアップロードは再開できません：{error}",
    "Discard it, and submit the scene again.": "破棄して、シーンをもう一度送信してください。",
    # The price
    "About {usd}": "約 {usd}",
    "download, unless free": "ダウンロード（無料枠を超えた分）",
    "So far {usd} of {all}": "これまで {usd} / {all}",
    "So far {usd}": "これまで {usd}",
    "stops at {usd}": "上限 {usd}",
    "Cost: about {usd}": "費用：約 {usd}",
    "Bill": "明細",
    "Show what the job's cost is made of": "ジョブの費用の内訳を表示します",
    "own machine": "自分のマシン",
    "of it rendering": "うちレンダリング",
    "of it starting": "うち起動",
    "of it waiting": "うち待機",
    "of it lost work, retries: {count}": "うち失われた作業、再試行：{count}",
    "storage a month": "保存（1 か月）",
    "An estimate, without tax: AWS bills days later.": "税別の見積もりです。AWS の請求は数日後になります。",
    "Nothing is running now ({time})": "現在何も動いていません（{time}）",
    "Still on: {what} ({time})": "稼働中：{what}（{time}）",
    "1 job": "1 件のジョブ",
    "{count} jobs": "{count} 件のジョブ",
    "When Done": "完了時",
    "Looking for your jobs…": "ジョブを探しています…",
    "All Findings": "すべての結果",
    "Show what works, too": "問題のない項目も表示します",
    "Working out the price…": "価格を計算中…",
    "Test Frames": "テストフレーム",
    "Render a few frames of the scene first, in full quality. They tell what all of them will cost": (
        "先に数フレームを本番品質でレンダリングします。全体の費用が分かります"
    ),
    "Test frames {frames}, each on a machine": "テストフレーム {frames}、各 1 台のマシン",
    "These frames tell what all of them will cost": ("これで全体の費用が分かります"),
    "Look at what was found and what it will cost, then send it to the cloud and render it": (
        "見つかった内容と費用を確認してから、クラウドに送信してレンダリングします"
    ),
    "Look and Send…": "確認して送信…",
    "It was stopped meanwhile": "その間に停止されました",
    "Choice": "選択",
    "How many machines share the frames: what it costs, and how long it takes": (
        "何台のマシンでフレームを分担するか。費用と所要時間が変わります"
    ),
    "As in Settings": "設定のとおり",
    "As the settings have it": "設定の内容をそのまま使います",
    "Balanced": "バランス",
    "Cheapest": "最安",
    "Fastest": "最速",
    "{count} machines": "{count} 台のマシン",
    "about {time}": "約 {time}",
    "{likely} ({low} to {high})": "{likely}（{low}～{high}）",
    "What It Is Made Of": "内訳",
    "Show what the price is made of": "価格の内訳を表示します",
    "{usd} if no Spot machine came at all": "スポットマシンが全く使えない場合は {usd}",
    "From {count} measured frames": "計測した {count} フレームから計算",
    "The price is not known yet": "価格はまだ分かりません",
    "Without test frames: nothing is known of this scene's price": "テストフレームなし：価格はまだ分かりません",
    "No price: {why}": "価格なし：{why}",
    "Done By": "期限",
    "A time of day such as 18:30, or how long it may take, such as 8h. With a price, the cheapest way that is done by "
    "then comes first. Empty: no deadline": (
        "18:30 のような時刻、または 8h のような所要時間。価格が分かる場合、間に合う最も安い方法が先頭になります。"
        "空欄：期限なし"
    ),
    "In time": "間に合う",
    "Too late": "間に合わない",
    "By {moment}, in {span}": "{moment} まで、あと {span}",
    "{hours} h {minutes} min": "{hours} 時間 {minutes} 分",
    "{minutes} min": "{minutes} 分",
    "Can't be done in {time}: the fastest takes about {likely}": (
        "{time} では間に合いません：最速でも約 {likely} かかります"
    ),
    "May not be done in {time}: the fastest may take {most}": (
        "{time} では間に合わない可能性があります：最速でも {most} かかることがあります"
    ),
    "Whether it is done by {deadline} is not known": "{deadline} に間に合うかどうかは不明です",
    "It can't be done by {deadline}": "{deadline} には間に合いません",
    "This month: {spent} of {all}": "今月：{spent} / {all}",
    "Nothing is left of the month's limit: raise it, or wait for the next month": (
        "今月の上限に残りがありません：上限を上げるか、来月まで待ってください"
    ),
    "The job will stop there: the rest is less than its price": "残額が価格より少ないため、ジョブは途中で止まります",
    "Stop at USD": "上限（USD）",
    "End the job before it costs more; what is rendered stays. 0: no limit": (
        "これ以上費用がかかる前にジョブを終了します。レンダリング済みは残ります。0 は上限なし"
    ),
    "End the job before it costs more; what is rendered stays. 0: at twice the price that the dialog shows": (
        "これ以上費用がかかる前にジョブを終了します。レンダリング済みは残ります。0 はダイアログの価格の 2 倍"
    ),
    "Frames per Job": "ジョブあたりのフレーム数",
    "Frames that one machine renders in a row. 0: as the price or the number of frames suggests": (
        "1 台のマシンが続けてレンダリングするフレーム数。0 は価格やフレーム数から自動で決定"
    ),
    "Machines": "マシン",
    "How much the scene needs. A frame that does not fit there is tried again on larger ones": (
        "シーンに必要な大きさ。収まらないフレームは、より大きなマシンで再試行されます"
    ),
    "Small": "小",
    "Large": "大",
    "16 GB of graphics memory or more, and 16 GB of memory": "16 GB 以上のビデオメモリと 16 GB のメモリ",
    "22 GB of graphics memory or more, and 32 GB of memory": "22 GB 以上のビデオメモリと 32 GB のメモリ",
    "44 GB of graphics memory or more, and 64 GB of memory": "44 GB 以上のビデオメモリと 64 GB のメモリ",
    # What a check found
    "All is well": "問題ありません",
    "1 finding is good": "1 件は問題なし",
    "{count} findings are good": "{count} 件は問題なし",
    "Remove Cloud…": "クラウドを削除…",
    # Jobs
    "Jobs": "ジョブ",
    "Job": "ジョブ",
    "Name": "名前",
    "The job's id": "ジョブの ID",
    "The job's id; empty: the selected one": "ジョブの ID。空の場合は選択中のジョブ",
    "What the job was called": "ジョブの名前",
    "All jobs of the bucket, the newest first": "バケット内の全ジョブ（新しい順）",
    "Active Job": "アクティブジョブ",
    "Phase": "段階",
    "uploading, submitted, queued, rendering, mending, stitching, done, failed or cancelled": (
        "uploading、submitted、queued、rendering、mending、stitching、done、failed、cancelled のいずれか"
    ),
    "Frames Done": "完了フレーム数",
    "Frames that are in the cloud": "クラウドにあるフレームの数",
    "All Frames": "全フレーム数",
    "Frames that the job has": "ジョブのフレームの数",
    "Problem": "問題",
    "Why it failed, or what stands in its way": "失敗した理由、または妨げになっていること",
    "Selected Job": "選択中のジョブ",
    "The id of the selected job; after a submit, of the new one": "選択中のジョブのID。送信後は新しいジョブのもの",
    "The job that is selected": "選択中のジョブ",
    "No jobs yet": "ジョブはまだありません",
    "Refresh shows the jobs of your cloud": "「更新」でクラウドのジョブを表示",
    "Uploading": "アップロード中",
    "Submitted": "送信済み",
    "Waiting for a machine": "マシン待ち",
    "Installing": "インストール中",
    "Installing Blender {version}": "Blender {version} をインストール中",
    "{frames} will be gone within a day": "1 日以内に削除：{frames}",
    "{frames} will be gone in {days}": "{days}後に削除：{frames}",
    "1 day": "1 日",
    "{count} days": "{count} 日",
    "Rendering": "レンダリング中",
    "Looking at what failed": "失敗した箇所を確認中",
    "Making the video": "動画を作成中",
    "Done": "完了",
    "Failed": "失敗",
    "Cancelled": "キャンセル済み",
    "{phase} · {done} of {total}": "{phase} · {done} / {total}",
    "Downloading…": "ダウンロード中…",
    "This is going on already": "すでに実行中です",
    "No job is selected.": "ジョブが選択されていません。",
    "Select one in the list, or give its job_id.": "リストから選択するか、job_id を指定してください。",
    "Something is being done to the job": "ジョブは処理中です",
    "The job is still running": "ジョブはまだ実行中です",
    "The job has ended": "ジョブは終了しています",
    "Refresh": "更新",
    "List the jobs of the cloud anew": "クラウドのジョブ一覧を更新します",
    "Look at Job": "ジョブを確認",
    "Look at how the job is doing. Blender does so by itself; scripts may wait with it": (
        "ジョブの状態を確認します。Blender は自動で行います。スクリプトでの待機用です"
    ),
    "Cancel Job": "ジョブをキャンセル",
    "End the job. Frames that are done stay, and the rest can be rendered later": (
        "ジョブを終了します。完了したフレームは残り、残りは後でレンダリングできます"
    ),
    "Cancelling…": "キャンセル中…",
    "Cancel this job?": "このジョブをキャンセルしますか？",
    "Frames that are done stay, and the rest can be rendered later.": (
        "完了したフレームは残り、残りは後でレンダリングできます。"
    ),
    "Retry Missing Frames": "欠けたフレームを再実行",
    "Render the frames that are missing once more, then make the video": (
        "欠けているフレームをもう一度レンダリングし、動画を作成します"
    ),
    "Raise Limit and Go On…": "上限を上げて続行…",
    "End the job before all of it costs more, what it has cost included. 0: as before": (
        "これまでの費用を含む合計がこの額を超える前にジョブを終了します。0：これまでどおり"
    ),
    "All frames are there: only the video is made": "全フレームがあり、動画だけを作成します",
    "Missing: {count} of {total}": "不足：{count} / {total}",
    "What it has cost is not known yet": "これまでの費用はまだ不明です",
    "It has cost {usd} so far, without a limit": "これまで {usd}、上限なし",
    "It has cost {usd} so far; it stopped at its limit of {limit}": "これまで {usd}、上限 {limit} で停止",
    "It has cost {usd} so far; its limit is {limit}": "これまで {usd}、上限 {limit}",
    "It has cost more than that already": "すでにそれ以上かかっています",
    "The job has cost {usd} already.": "ジョブにはすでに {usd} かかっています。",
    "Choose a higher limit.": "より高い上限を選んでください。",
    "Stitch What Is There": "あるフレームで動画作成",
    "Make the video of the frames that are there; a missing one is held from its neighbour": (
        "すでにあるフレームで動画を作成します。欠けたフレームは隣のフレームで補います"
    ),
    "Submitting…": "送信中…",
    "Delete Job": "ジョブを削除",
    "Delete the job's frames and video from the cloud for good. What was downloaded stays": (
        "ジョブのフレームと動画をクラウドから完全に削除します。ダウンロード済みのものは残ります"
    ),
    "Deleting…": "削除中…",
    "Delete this job?": "このジョブを削除しますか？",
    "Its frames and video are deleted from the cloud for good. What was downloaded stays.": (
        "フレームと動画はクラウドから完全に削除されます。ダウンロード済みのものは残ります。"
    ),
    "Delete": "削除",
    "Render Frames Again": "フレームを再レンダリング",
    "Render some frames of this job again with the scene as it is now; the others are kept": (
        "このジョブの一部のフレームを現在のシーンで再レンダリングします。他のフレームは残ります"
    ),
    "Which to render again, such as 12-20 or 5,8": "再レンダリングするフレーム（例：12-20 や 5,8）",
    "Show Log": "ログを表示",
    "Show the end of the log in a text editor: of the machine that failed, or of the one that works": (
        "失敗したマシン、または動作中のマシンのログの末尾をテキストエディターに表示します"
    ),
    "{job} log": "{job} のログ",
    "Nothing was written yet.": "まだ何も書き込まれていません。",
    # Results
    "Add the finished frames to the Video Sequencer as an image strip": (
        "完成したフレームを画像ストリップとしてビデオシーケンサーに追加します"
    ),
    "Download": "ダウンロード",
    "Bring the job's frames and video to this computer; of a running job, what there is": (
        "ジョブのフレームと動画をこのコンピューターに保存します。実行中のジョブは、完了した分を保存します"
    ),
    "Folder": "フォルダー",
    "Where to put them; empty: a folder for the job in the one of the preferences": (
        "保存先。空の場合はプリファレンスのフォルダー内のジョブ別フォルダー"
    ),
    "The download is going on": "ダウンロード中です",
    "Download When Done": "完了後にダウンロード",
    "Bring the results to this computer by itself when the job has ended, or don't": (
        "ジョブの終了時に結果を自動でダウンロードするかどうかを切り替えます"
    ),
    "Stop Download": "ダウンロードを中止",
    "Stop the download. What has arrived stays, and the next one goes on from there": (
        "ダウンロードを中止します。取得済みの内容は残り、次回は続きから再開します"
    ),
    "Show Frame": "フレームを表示",
    "Show this frame in full size in an Image Editor": "このフレームを画像エディターに原寸で表示します",
    "Frame": "フレーム",
    "Its number": "フレーム番号",
    "Nothing of this job is on this computer yet: download it first": (
        "このジョブの結果はまだこのコンピューターにありません。先にダウンロードしてください"
    ),
    "Open Video": "動画を開く",
    "Play the video with this computer's own player": "このコンピューターのプレイヤーで動画を再生します",
    "The video is not on this computer yet: download it first": (
        "動画はまだこのコンピューターにありません。先にダウンロードしてください"
    ),
    "Open Folder": "フォルダーを開く",
    "Open the folder with the job's files": "ジョブのファイルがあるフォルダーを開きます",
    "{path} is not there any more": "{path} はもうありません",
    "Load as Strip": "ストリップとして読込",
    "There are no frames on this computer yet.": "フレームはまだこのコンピューターにありません。",
    "Download them first.": "先にダウンロードしてください。",
    # Settings of the scene
    "Settings": "設定",
    "Video": "動画",
    "Extra Files": "追加ファイル",
    "Frames": "フレーム",
    "Which frames to render": "レンダリングするフレーム",
    "Animation": "アニメーション",
    "The scene's frame range and step, whatever they are when you render": (
        "レンダリング時点でのシーンのフレーム範囲とステップ"
    ),
    "Current Frame": "現在のフレーム",
    "Only the frame that you see": "表示中のフレームのみ",
    "Custom Range": "カスタム範囲",
    "Frames of your own, such as 1-250, 1-250x2 or 1-10,20..25,40": (
        "任意のフレーム（例：1-250、1-250x2、1-10,20..25,40）"
    ),
    "Range": "範囲",
    "Frames to render, such as 1-250, 1-250x2 or 1-10,20..25,40": (
        "レンダリングするフレーム（例：1-250、1-250x2、1-10,20..25,40）"
    ),
    "Camera": "カメラ",
    "Render with this camera instead of the scene's own": "シーンのカメラの代わりにこのカメラでレンダリングします",
    "View Layer": "ビューレイヤー",
    "Render only this one. Empty: those that the scene has switched on": (
        "このレイヤーのみレンダリングします。空の場合はシーンで有効なすべてのレイヤー"
    ),
    "Override Samples": "サンプル数を上書き",
    "Render with another number of samples": "別のサンプル数でレンダリングします",
    "Samples": "サンプル数",
    "Samples a pixel in the cloud": "クラウドでのピクセルあたりのサンプル数",
    "Override Scale": "スケールを上書き",
    "Render at another percentage of the resolution": "解像度の別の割合でレンダリングします",
    "Scale": "スケール",
    "Of the resolution": "解像度に対する割合",
    "Override Resolution": "解像度を上書き",
    "Render in another size": "別のサイズでレンダリングします",
    "Resolution": "解像度",
    "Width": "幅",
    "Height": "高さ",
    "In pixels, at 100 %": "100 % でのピクセル数",
    "Ask AWS for More": "AWSに引き上げを依頼",
    "Device": "デバイス",
    "What renders": "レンダリングに使うデバイス",
    "As Set Up": "セットアップどおり",
    "What the cloud was set up for": "クラウドのセットアップ時の設定",
    "Graphics cards; fails where Blender would use none": (
        "グラフィックスカード。Blender が使えないマシンでは失敗します"
    ),
    "Processors only": "プロセッサーのみ",
    "Any": "どちらでも",
    "A graphics card where there is one, else the processor": (
        "グラフィックスカードがあれば使い、なければプロセッサーを使います"
    ),
    "Whether the frames become a video": "フレームを動画にするかどうか",
    "Automatic": "自動",
    "A video where there is more than one frame": "2 フレーム以上なら動画にします",
    "Yes": "はい",
    "A video, even of one frame": "1 フレームでも動画にします",
    "No": "いいえ",
    "Frames only": "フレームのみ",
    "Container": "コンテナ",
    "The video's file format": "動画のファイル形式",
    "As in Scene": "シーンの設定",
    "The scene's own container if its output is a video, else one that fits the codec": (
        "シーンの出力が動画ならそのコンテナ、それ以外はコーデックに合うもの"
    ),
    "Plays everywhere": "どこでも再生できます",
    "For editing": "編集用",
    "Holds every codec": "すべてのコーデックに対応",
    "For the web": "ウェブ用",
    "Codec": "コーデック",
    "How the video is compressed": "動画の圧縮方式",
    "The scene's own codec if its output is a video, else H.264": (
        "シーンの出力が動画ならそのコーデック、それ以外は H.264"
    ),
    "Half the size of H.264, plays on newer devices": "H.264 の半分のサイズ。新しめのデバイスで再生できます",
    "Smallest, plays on the newest devices and browsers": ("最小サイズ。最新のデバイスとブラウザーで再生できます"),
    "Large, for editing": "大きいサイズ。編集用",
    "Lossless, for archives": "ロスレス。保存用",
    "Quality": "品質",
    "Of the video": "動画の品質",
    "The scene's own quality if its output is a video, else high": ("シーンの出力が動画ならその品質、それ以外は「高」"),
    "Lossless": "ロスレス",
    "Every pixel as rendered": "全ピクセルをレンダリングのまま保持します",
    "High": "高",
    "No difference to be seen": "見た目の違いはありません",
    "Medium": "中",
    "Smaller": "小さめ",
    "Low": "低",
    "Smallest, for a first look": "最小サイズ。最初の確認用",
    "Sound": "音声",
    "The scene's sound in the video": "シーンの音声を動画に入れます",
    "Files and folders that the scene does not name itself": "シーン自体が参照していないファイルとフォルダー",
    "Active Extra File": "アクティブな追加ファイル",
    "The one that is selected": "選択中のもの",
    "Path": "パス",
    "A file or folder to take along": "一緒に送るファイルまたはフォルダー",
    "Add Files": "ファイルを追加",
    "Take files or a folder along that the scene does not name itself": (
        "シーン自体が参照していないファイルやフォルダーを一緒に送ります"
    ),
    "Remove File": "ファイルを除去",
    "Don't take the selected file along": "選択したファイルを送信対象から外します",
    "No file is selected": "ファイルが選択されていません",
    "Run Scripts": "スクリプトを実行",
    "Let Python in the .blend run in the cloud: drivers, registered texts": (
        ".blend 内の Python（ドライバー、登録されたテキスト）をクラウドで実行します"
    ),
    "Before Rendering": "レンダリング前",
    "A script that runs in the cloud before the first frame": "最初のフレームの前にクラウドで実行するスクリプト",
    "After Rendering": "レンダリング後",
    "A script that runs in the cloud after the last frame; what it leaves in $CLOUD_RENDER_OUTPUT comes back too": (
        "最後のフレームの後にクラウドで実行するスクリプト。$CLOUD_RENDER_OUTPUT に残したファイルも戻ります"
    ),
    "Bring frames and video to this computer by itself": "フレームと動画を自動でダウンロードします",
    "Cloud Render Presets": "Cloud Render プリセット",
    "Settings of the cloud that were kept under a name": "名前を付けて保存したクラウドの設定",
    "Add Cloud Render Preset": "Cloud Render プリセットを追加",
    "Keep these settings under a name, or remove them": "現在の設定に名前を付けて保存、または削除します",
    # Preferences
    "Profile": "プロファイル",
    "Of your AWS configuration (~/.aws/config). Empty: the default one, or what the environment says": (
        "AWS 設定（~/.aws/config）のプロファイル。空の場合はデフォルト、または環境変数の指定"
    ),
    "Region": "リージョン",
    "Such as eu-central-1. Empty: the profile's own": "例：ap-northeast-1。空の場合はプロファイルの設定",
    "Stack": "スタック",
    "The name under which the cloud was set up": "クラウドをセットアップしたときの名前",
    "Endpoint": "エンドポイント",
    "Of a cloud on this computer (cloud-render local). Empty: AWS": (
        "このコンピューター上のクラウド（cloud-render local）の URL。空の場合は AWS"
    ),
    "Downloads": "ダウンロード",
    "Folder for finished frames and videos": "完成したフレームと動画のフォルダー",
    "Check": "確認",
    "See what works and what doesn't: sign-in, permissions, the stack, this Blender in the cloud": (
        "サインイン、権限、スタック、クラウドの Blender が使えるかを確認します"
    ),
    "Checking…": "確認中…",
    "Cloud Render Preferences": "Cloud Render のプリファレンス",
    "Open Cloud Render's preferences: account, region, stack, folder for downloads": (
        "Cloud Render のプリファレンスを開きます：アカウント、リージョン、スタック、ダウンロード先"
    ),
    # Signing in
    "Sign In": "サインイン",
    "Sign In to AWS": "AWS にサインイン",
    "Sign In through the Browser…": "ブラウザーでサインイン…",
    "Sign in to AWS in your browser. What the AWS tools keep of it, and nothing else, stays on this computer": (
        "ブラウザーで AWS にサインインします。このコンピューターに残るのは AWS ツールが保存する情報だけです"
    ),
    "Portal": "ポータル",
    "The address of your AWS access portal, such as https://my-company.awsapps.com/start": (
        "AWS アクセスポータルのアドレス（例：https://my-company.awsapps.com/start）"
    ),
    "Portal's Region": "ポータルのリージョン",
    "Where the portal lives, such as eu-central-1": "ポータルのあるリージョン（例：ap-northeast-1）",
    "A profile that signed in before; empty: a portal's address": (
        "以前サインインしたプロファイル。空の場合はポータルのアドレスを使います"
    ),
    "Open Browser": "ブラウザーを開く",
    "Open Browser Again": "ブラウザーをもう一度開く",
    "Open the browser at the sign-in page again": "サインインページをブラウザーでもう一度開きます",
    "Signing in…": "サインイン中…",
    "Confirm the code {code} in the browser": "ブラウザーでコード {code} を確認してください",
    "Don't sign in": "サインインを中止します",
    "Which account and role shall render?": "レンダリングに使うアカウントとロールは？",
    "Use": "使用",
    "Use this account and role: a profile for it is written into your AWS configuration": (
        "このアカウントとロールを使います。対応するプロファイルを AWS 設定に書き込みます"
    ),
    "Of the account and role": "アカウントとロールの番号",
    "There is nothing to choose from.": "選択できるものがありません。",
    "Sign in first.": "先にサインインしてください。",
    # Setting the cloud up, and taking it away
    "Make the cloud in your AWS account, or bring it up to date: network, queues, rights, and the worker's image": (
        "AWS アカウントにクラウドを作成または更新: ネットワーク、キュー、権限、ワーカーのイメージ"
    ),
    "Set Up or Update Cloud": "クラウドをセットアップ / 更新",
    "Set up the cloud in this account?": "クラウドをセットアップしますか？",
    "It takes some ten minutes. While nothing renders, it costs only what is stored in it.": (
        "約 10 分かかります。レンダリングしていない間は、保存データの料金だけがかかります。"
    ),
    "Set Up": "セットアップ",
    "End all jobs, and delete all frames, videos and scenes in the cloud, and the cloud itself": (
        "すべてのジョブを終了し、クラウド内のフレーム、動画、シーンとクラウド自体を削除"
    ),
    "Remove Cloud": "クラウドを削除",
    "Stack's Name": "スタック名",
    "Type it, to show that you mean this one": "確認のために入力",
    "Remove the Cloud": "クラウドを削除",
    "Remove": "削除",
    "All jobs end; all frames, videos and scenes in the cloud are deleted for good.": (
        "すべてのジョブが終了し、クラウド内のフレーム、動画、シーンは完全に削除されます。"
    ),
    "Nothing was removed: type {name} to remove it.": (
        "何も削除されていません: 削除するには {name} と入力してください。"
    ),
    "Set-up": "セットアップ",
    "The cloud is ready.": "クラウドの準備ができました。",
}
