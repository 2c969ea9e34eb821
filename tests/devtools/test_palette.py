"""Small PNG files."""

import struct
import zlib

from devtools.palette import Picture


def test_a_picture_is_a_png_of_its_palette() -> None:
    black_and_white = bytes([0, 0, 0, 255, 255, 255])
    picture = Picture(2, 2, palette=black_and_white, indices=b"\0\1\1\0")
    png = picture.png()
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", png[16:24]) == (2, 2)
    at = png.index(b"IDAT")
    (length,) = struct.unpack(">I", png[at - 4 : at])
    assert zlib.decompress(png[at + 4 : at + 4 + length]) == b"\0\0\1\0\1\0"
