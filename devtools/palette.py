"""Small PNG files: at most 64 colors, which is plenty for pages."""

import base64
import struct
import zlib
from dataclasses import dataclass
from typing import Any

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PALETTE_KIND = 3

# Runs in a browser page, which can decode a PNG: returns the size, a palette of the
# most frequent colors and for each pixel which of them is nearest.
QUANTIZE = """
async (source) => {
  const blob = await (await fetch(`data:image/png;base64,${source}`)).blob();
  const bitmap = await createImageBitmap(blob);
  const { width, height } = bitmap;
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0);
  const pixels = new Uint32Array(context.getImageData(0, 0, width, height).data.buffer);
  const counts = new Map();
  for (const pixel of pixels) counts.set(pixel, (counts.get(pixel) ?? 0) + 1);
  const ranked = [...counts].sort((a, b) => b[1] - a[1]);
  const palette = ranked.slice(0, 64).map((one) => one[0]);
  const nearest = new Map(palette.map((color, index) => [color, index]));
  const parts = (color) => [color & 255, (color >> 8) & 255, (color >> 16) & 255];
  const find = (color) => {
    const [r, g, b] = parts(color);
    let best = 0;
    let least = Infinity;
    palette.forEach((one, index) => {
      const [x, y, z] = parts(one);
      const distance = (r - x) ** 2 + (g - y) ** 2 + (b - z) ** 2;
      if (distance < least) [best, least] = [index, distance];
    });
    nearest.set(color, best);
    return best;
  };
  const indices = Uint8Array.from(pixels, (color) => nearest.get(color) ?? find(color));
  let text = "";
  for (let at = 0; at < indices.length; at += 32768) {
    text += String.fromCharCode(...indices.subarray(at, at + 32768));
  }
  return { width, height, palette: palette.flatMap(parts), indices: btoa(text) };
}
"""


@dataclass(frozen=True)
class Picture:
    """Rows of palette indices, one byte a pixel."""

    width: int
    height: int
    palette: bytes
    indices: bytes

    @classmethod
    def from_browser(cls, found: dict[str, Any]) -> "Picture":
        """Take what :data:`QUANTIZE` returned."""
        return cls(
            width=int(found["width"]),
            height=int(found["height"]),
            palette=bytes(found["palette"]),
            indices=base64.b64decode(found["indices"]),
        )

    def png(self) -> bytes:
        """Return the picture as a PNG file."""
        rows = b"".join(
            b"\0" + self.indices[at : at + self.width]
            for at in range(0, len(self.indices), self.width)
        )
        head = struct.pack(
            ">IIBBBBB", self.width, self.height, 8, _PALETTE_KIND, 0, 0, 0
        )
        return (
            _SIGNATURE
            + _chunk(b"IHDR", head)
            + _chunk(b"PLTE", self.palette)
            + _chunk(b"IDAT", zlib.compress(rows, 9))
            + _chunk(b"IEND", b"")
        )


def _chunk(kind: bytes, data: bytes) -> bytes:
    checked = kind + data
    check = struct.pack(">I", zlib.crc32(checked))
    return struct.pack(">I", len(data)) + checked + check
