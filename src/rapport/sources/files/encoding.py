"""Which encoding a text file is in, decided from all of its bytes, and its bytes as UTF-8."""

from __future__ import annotations

import codecs
import hashlib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

CHUNK_BYTES = 1 << 20
EVIDENCE_BYTES = 32 << 10
# A UTF-8 file may hold a few broken rows; a file in another encoding has hardly a sequence that is UTF-8.
GOOD_PER_BROKEN = 10

BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

# What shops' systems write. Left to all encodings there are, short samples are taken for rare ones.
CANDIDATES = [
    *("cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258"),
    *("cp932", "euc_jp", "gb18030", "big5", "cp949", "koi8_r", "mac_roman", "cp850", "cp874"),
]


@dataclass(frozen=True)
class Encoding:
    name: str
    how: str

    @property
    def is_utf8(self) -> bool:
        return self.name in ("utf-8", "utf-8-sig")


def digest(path: Path) -> str:
    """Hex SHA-256 of the file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def find_encoding(path: Path, stated: str | None) -> Encoding:
    """The stated encoding, or the one that the bytes show."""
    with path.open("rb") as file:
        head = file.read(4096)
    bom = next((name for mark, name in BOMS if head.startswith(mark)), None)
    if stated:
        # Python's utf-8 hands a byte order mark on as part of the first header.
        name = "utf-8-sig" if stated == "utf-8" and bom == "utf-8-sig" else stated
        return Encoding(name, "stated")
    if bom:
        return Encoding(bom, "byte order mark")
    wide = _wide(head)
    return Encoding(wide, "zero bytes") if wide else _from_all_bytes(path)


def _wide(head: bytes) -> str | None:
    """UTF-16 without a mark: every other byte of Latin text is zero."""
    even, odd = head[::2].count(0), head[1::2].count(0)
    half = len(head) // 2
    if half >= 2 and odd > half * 0.4 and even == 0:
        return "utf-16-le"
    if half >= 2 and even > half * 0.4 and odd == 0:
        return "utf-16-be"
    return None


def _from_all_bytes(path: Path) -> Encoding:
    evidence = bytearray()
    good = broken = 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES) + file.readline():
            if chunk.isascii():
                continue
            if len(evidence) < EVIDENCE_BYTES:
                lines = (line for line in chunk.splitlines(keepends=True) if not line.isascii())
                evidence += b"".join(lines)
            try:
                good += len(chunk) - len(chunk.decode("utf-8"))
            except UnicodeDecodeError:
                text = chunk.decode("utf-8", errors="replace")
                broken += text.count("\ufffd")
                good += sum(ord(letter) > 127 for letter in text) - text.count("\ufffd")
    if not evidence:
        return Encoding("utf-8", "ASCII only")
    if not broken:
        return Encoding("utf-8", "every byte fits")
    if good >= GOOD_PER_BROKEN * broken:
        return Encoding("utf-8", f"fits but for {broken} bytes")
    return _guess(bytes(evidence[:EVIDENCE_BYTES]))


def _guess(evidence: bytes) -> Encoding:
    from charset_normalizer import from_bytes

    lines = evidence[: evidence.rfind(b"\n") + 1] or evidence
    japanese = next((name for name in ("cp932", "euc_jp") if _is_japanese(_decoded(lines, name))), None)
    if japanese:
        return Encoding(japanese, "kana among the letters")
    best = from_bytes(lines, cp_isolation=CANDIDATES).best()
    if best is None:
        return Encoding("cp1252", "not UTF-8, and nothing fits better")
    # Several encodings often read the sample alike; the commonest of them is the likeliest for the rest.
    text = _decoded(lines, best.encoding)
    name = next((name for name in CANDIDATES if text and _decoded(lines, name) == text), best.encoding)
    return Encoding(codecs.lookup(name).name, "guessed from the letters; state encoding to be sure")


def _decoded(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return ""


def _is_japanese(text: str) -> bool:
    """Whether the letters beyond ASCII are Japanese: a fifth of them kana, and hardly anything else."""
    letters = [letter for letter in text if ord(letter) > 127]
    kana = sum("\u3041" <= letter <= "\u30ff" for letter in letters)
    fit = sum("\u3000" <= letter <= "\u9fff" or "\uff01" <= letter <= "\uff60" for letter in letters)
    return kana * 5 >= len(letters) > 0 and fit >= len(letters) * 0.9


class _Recoded(io.RawIOBase):
    """Reads a file in another encoding as UTF-8; bytes that are no text become U+FFFD."""

    def __init__(self, file: BinaryIO, encoding: str) -> None:
        self._file = file
        self._decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast(bytearray, buffer)).cast("B")
        while not self._rest:
            chunk = self._file.read(CHUNK_BYTES)
            self._rest = self._decoder.decode(chunk, final=not chunk).encode("utf-8", errors="replace")
            if not chunk and not self._rest:
                return 0
        size = min(len(view), len(self._rest))
        view[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size

    def close(self) -> None:
        self._file.close()
        super().close()


def open_as_utf8(path: Path, encoding: Encoding) -> BinaryIO:
    """The file's text as UTF-8 without a byte order mark."""
    file = path.open("rb")
    if not encoding.is_utf8:
        return io.BufferedReader(_Recoded(file, encoding.name), CHUNK_BYTES)
    if file.read(3) != codecs.BOM_UTF8:
        file.seek(0)
    return file
