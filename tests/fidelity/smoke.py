# SPDX-License-Identifier: GPL-3.0-or-later
"""Four small smoke volumes (OpenVDB 12, grid `density`), for Blenders whose Python can't write any."""

from __future__ import annotations

import base64
import gzip
from pathlib import Path


def write_smoke(path: Path, number: int) -> Path:
    """The volume `number` (1 to 4), as a .vdb file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.decompress(base64.b64decode(SMOKE[number - 1])))
    return path


SMOKE = (
    "H4sIAAAAAAACA+3ayU7CQBgHcMD14IJGDt44aYwhAYFSTpKGKhdPLvE2dhnMJF1IWwioD+DRJzEx8VF8AH0TZ+iURTDh4MXk/0sm"
    "/+nkm87XHnpqXmvepLhPPjZSsbRSPKlpVbVeKKt1vaBrpWpBrSmlgqoXz/RKqalUS9qwkI81PmzqhSwaZPn0KqCUtB3fiEiVVEhZ"
    "lD3J+34cxNk9jHNVbt/ko80cSkzT7xPX6K/whR61ykx0JC4yMn9UMm+qckm2JDKbVFq+2wloGDLfE+eFUcC8+xyfmY4fWvnjvGFF"
    "rEfzPcPp0nAn2WZTxxhQm/AnscWpJFkRCzl50MidzK1ku0tdYg4iGooGmRcplXU+eXlbHpaNmuv5ferwFrteNFW4K+8nyj3DpePO"
    "J173Np9ee6ztB+6lZTj0wug87r2efz28ny6a8SlHjbn5bM3P1P5MTr6MqRcz5xoAAAAAAAAAAAAAAAAAAAD+oazMTLo8/P0hLdfw"
    "YwAAPgwzH4Zfqer8XNSi+28nGmvxbI3XGn8xvgHtgWGIdScAAA==",
    "H4sIAAAAAAACA+3aTUsCQRgH8F2xl4OVgR466amIWDBXTU+ZLQZFIPRyHdbdMQb2RdxVtDx07OgnCQI/Sh+gvkkzOpqmgR2D/w8e"
    "nnF4ZuZxDnuadMW4V7gPHjFlTK1mT/L6uV7SzkpGUTN0o6LpmWJJMyrZbClTyFZzhfyokMcGD5t6AQt7cT68bVFKGo5vhiRPckQX"
    "ZX257/v+OF8ejPO6XL7Fo8EcSup1v0tcs7vGJzrU0llMVkVl/lHJvLnKiGxJ5Pik0vLdZosGAfM9sUMQtpj3kOSjuuMHVvoobVoh"
    "69B0x3TaNNidLLOpY/aoTfg/scWpZDIjJpLyoKm8zNuT5S51Sb0X0kA0yLywkNvkg8FbdFQ2ba7jd6nDW2x74VyhLfcT5Z7p0u/O"
    "Z657hw/vPNbwW+6NZTr02mw+JV4vPh+Hp6vm8SmH5aX5xVqelb2FPHsZcxez5DcAAAAAAAAAAAAAAAAAAAD8Q3GZI6o+ev6gyjk8"
    "DADAh2Hhw7Cgz62Sf/PX9dq0sePogHclQswleIi3Xyne6jD1rCq1VFlVrmpl4QufOhYRSicAAA==",
    "H4sIAAAAAAACA+3aPU/CQBgHcBDfBl8wkcG4dNIYQ0Io2DJJoOjk5Mt6KeUwl1xbQksDyujg6OqXMDHxo/gB9Jt4R68IggmTicn/"
    "l1z+18tzvacdOlWrWTcp4UOMjVQs3TD1umUZer5iFfV8TTesfMMqGPliqW4Y5UqhdGZWRoVirInRol7AwkFWTK+6lJI29+2QlEmJ"
    "6LJsqO77fhDn82Gcq2r7phhtxilpNv0+ce3+iliIqKMz2ZG8yKj8Ucm8qcqMaklmNql0fLfTpUHAfE+eF4Rd5t3mxKzJ/cDRjjXb"
    "CVlEtcjmPRrsJNtalNsD2iLiSVryVJKsyIWcOmjsQeVWst2lLmkOQhrIBpkXnpTWxeTpdXlUNm4u8vuUixZ7XjhVuK/uJ8s926Xf"
    "nU+87m0xvfZY2++6l47N6YXdud99Of+8eztdNONTjqpz89GZn6m9mZx8GVMvZs41AAAAAAAAAAAAAAAAAAAA/ENZlUtpffT7Q1qt"
    "4ccAAHwYZj4MvzJNc24uatH9w4nGuEg+XqtW/2p8ARbFJlGZJwAA",
    "H4sIAAAAAAACA+3ay0rDQBQG4ETqZVG1gl24aleKSKCmF3VljY2CIAhetkOaTGUgl5LE0nrZu/QRfAJB8FF8AN34BD6AM82kWltB"
    "l8L/weFMhzMzp7PIaopG40zhXnhklYRa3dmo6aZe0vYMY1ermIaubermnmZWSqVGbUsvN0yjX8hjmodD/YjFvRwfnoSUkpYbWDGp"
    "kgopi7Jrue/zcpIPVpI8JZfP8mgxl5JmM+gSz+pO8okOtcssK6smZf5WyfyhygnZksi5tNIOvHZIo4gFvtghikPmn+f5qOkGkV1c"
    "K1p2zDq02LHcCxotpMsc6lo96hD+TxxxKklnxEReHjRQlXkuXe5RjzR7MY1Eg8yPa5UZPrh7zPTLBs11gi51eYsXfjxUeCP3E+W+"
    "5dHPzr9c9zwfnvqsFYTesW259NBqXy0+7L9ePm3/NienrNbH5lt7fFaWRvLXyxi6mDG/AQAAAAAAAAAAAAAAAAAA4B/KyTyhlvvP"
    "H1Q5h4cBAPgwjHwYRlwLv8g/+et6bdDYeuaddyVCzC3yEG+/CrzVt8K9qrBCXVWco7rwAcfkqKdKJwAA",
)
