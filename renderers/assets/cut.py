"""Cuts the typefaces: slices for SVG files, and Noto Sans JP down to everyday Japanese.

    pip install fonttools brotli
    python cut.py [folder with NotoSansJP_400Regular.ttf and NotoSansJP_700Bold.ttf]
"""

import sys
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont

HERE = Path(__file__).parent
FEATURES = (
    "kern mark mkmk ccmp locl liga rlig calt init medi fina isol med2 fin2 fin3 curs mset dist "
    "abvm blwm abvs blws akhn half haln nukt pres psts pref pstf rkrf rphf vatu cjct clig"
).split()

# The ranges of src/svg/fonts.rs. A character belongs to the first slice of its typeface that has it.
SLICES = [
    ("NotoSans", "latin", [(0x20, 0x7E), (0xA0, 0xFF), (0x131, 0x131), (0x152, 0x153), (0x2C6, 0x2C7),
                           (0x2D8, 0x2DD), (0x300, 0x36F), (0x2010, 0x205F), (0x20AC, 0x20AC),
                           (0x2116, 0x2116), (0x2122, 0x2122), (0x2212, 0x2212)]),
    ("NotoSans", "latin-ext", [(0x100, 0x24F), (0x1E00, 0x1EFF), (0x20A0, 0x20CF)]),
    ("NotoSans", "greek", [(0x370, 0x3FF), (0x1F00, 0x1FFF)]),
    ("NotoSans", "cyrillic", [(0x400, 0x45F), (0x490, 0x491), (0x4B0, 0x4B1)]),
    ("NotoSans", "cyrillic-ext", [(0x460, 0x52F), (0x1C80, 0x1C8F), (0x2DE0, 0x2DFF), (0xA640, 0xA69F)]),
    ("NotoSans", "devanagari", [(0x900, 0x97F), (0x1CD0, 0x1CFF), (0xA8E0, 0xA8FF), (0x25CC, 0x25CC)]),
    ("NotoSansHebrew", "hebrew", [(0x590, 0x5FF), (0xFB1D, 0xFB4F)]),
    ("NotoSansArabic", "arabic", [(0x600, 0x6FF)]),
    ("NotoSansArabic", "arabic-ext", [(0x750, 0x8FF), (0xFB50, 0xFDFF), (0xFE70, 0xFEFF),
                                      (0x10E60, 0x10EFF), (0x1EE00, 0x1EEFF)]),
    ("NotoSans", "rest", [(0, 0x1FFFF)]),
]


def cut(source, characters, target, features, names, flavor=None):
    options = subset.Options()
    options.flavor = flavor
    options.hinting = False
    options.notdef_outline = True
    options.layout_features = features
    options.name_IDs = names
    options.drop_tables += ["STAT", "gasp", "DSIG"]
    if not features:
        options.drop_tables += ["GSUB", "GPOS", "GDEF", "BASE", "vhea", "vmtx", "VORG"]
    # The same input gives the same file.
    font = TTFont(source, recalcTimestamp=False)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=characters)
    subsetter.subset(font)
    font.flavor = flavor
    font.save(target)


def japanese():
    characters = {*range(0x3000, 0x3100), *range(0xFF01, 0xFF60), 0x203B, 0x2460}
    # JIS X 0208, rows 16 to 47: level 1.
    for row in range(16, 48):
        for cell in range(1, 95):
            try:
                characters.add(ord(bytes([row + 0xA0, cell + 0xA0]).decode("euc_jp")))
            except (UnicodeDecodeError, TypeError):
                pass
    return characters


for weight in ("Regular", "Bold"):
    seen = set()
    for face, name, ranges in SLICES:
        source = HERE / "fonts" / f"{face}-{weight}.ttf"
        wanted = {character for first, last in ranges for character in range(first, last + 1)}
        characters = (set(TTFont(source).getBestCmap()) & wanted) - seen
        if face == "NotoSans":
            seen |= characters
        target = HERE / "web" / f"{name}-{weight.lower()}.woff2"
        cut(source, characters, target, FEATURES, [1, 2], "woff2")

if len(sys.argv) > 1:
    for weight in ("400Regular", "700Bold"):
        source = Path(sys.argv[1]) / f"NotoSansJP_{weight}.ttf"
        target = HERE / "fonts" / f"NotoSansJP-{weight[3:]}.ttf"
        cut(source, japanese(), target, [], [0, 1, 2, 4, 5, 6, 13, 14])
