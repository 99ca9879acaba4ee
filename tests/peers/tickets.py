"""Times of other tools for the ticket of `ticketoverflow render ticket --example`, as ratios to ours.

Processor time of this process and its children, since a busy machine must not count. Each tool is
warm; what it installs and loads once does not count.
"""

import io
import json
import os
import resource
import subprocess
import sys
import tempfile
import time

BINARY, FONTS = sys.argv[1:3]
TICKET = json.loads(subprocess.check_output([BINARY, "render", "ticket", "--example"]))
NOTES = [
    ("Bring this page or show it on a screen.", "The code is read at the door. Keep it flat, clean and bright."),
    ("One code, one person, one entry.", "The first scan counts. Do not share pictures of the code."),
    ("Look again before you leave.", "If the concert changes, this print expires. Get the new one."),
    ("Fold it twice.", "Along the dashed line, then in half: seat and code stay outside."),
]
FIELDS = [
    ("DATE", "Sunday, 14 March 2027"), ("VENUE", TICKET["venue"]), ("ROW", TICKET["seat_row"]),
    ("SEAT", TICKET["seat_number"]), ("HOLDER", TICKET["holder_name"]), ("E-MAIL", TICKET["holder_email"]),
    ("TICKET", TICKET["ticket_id"]), ("CONCERT", TICKET["concert_id"]),
]


def processor():
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def timed(draw, seconds=2.0):
    size = len(draw())
    begun, spent, times = time.monotonic(), processor(), 0
    while time.monotonic() - begun < seconds or times < 3:
        draw()
        times += 1
    return (processor() - spent) / times * 1000, size


def modules():
    import segno

    return [list(row) for row in segno.make_qr(TICKET["code"], error="m").matrix]


def reportlab():
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont
    from reportlab.pdfgen.canvas import Canvas

    for name in ("Regular", "Bold"):
        pdfmetrics.registerFont(TTFont(name, os.path.join(FONTS, f"NotoSans-{name}.ttf")))

    def draw():
        out = io.BytesIO()
        canvas = Canvas(out, pagesize=(595.28, 841.89))
        canvas.setFont("Bold", 40)
        canvas.drawString(40, 690, TICKET["concert_name"])
        for at, (label, value) in enumerate(FIELDS):
            canvas.setFont("Bold", 7)
            canvas.drawString(40, 660 - 30 * at, label)
            canvas.setFont("Bold", 14)
            canvas.drawString(40, 645 - 30 * at, value)
        for at, (title, words) in enumerate(NOTES):
            canvas.setFont("Bold", 9.5)
            canvas.drawString(56, 340 - 42 * at, title)
            canvas.setFont("Regular", 9)
            canvas.drawString(56, 327 - 42 * at, words)
        rows = modules()
        side = 176 / (len(rows) + 8)
        for row, line in enumerate(rows):
            for column, dark in enumerate(line):
                if dark:
                    canvas.rect(379 + (column + 4) * side, 660 - (row + 4) * side, side, side, stroke=0, fill=1)
        canvas.save()
        return out.getvalue()

    return draw


def html():
    rows = modules()
    path = "".join(
        f"M{column} {row}h1v1h-1z" for row, line in enumerate(rows) for column, dark in enumerate(line) if dark
    )
    size = len(rows)
    fields = "".join(f"<small>{label}</small><b>{value}</b>" for label, value in FIELDS)
    notes = "".join(f"<h3>{title}</h3><p>{words}</p>" for title, words in NOTES)
    return (
        "<style>@page{size:A4;margin:14mm}body{font-family:'Noto Sans'}h1{font-size:40pt}b,small{display:block}"
        f"</style><h1>{TICKET['concert_name']}</h1>{fields}"
        f"<svg width='176pt' height='176pt' viewBox='-4 -4 {size + 8} {size + 8}'><path d='{path}'/></svg>{notes}"
    )


def weasyprint():
    from weasyprint import HTML

    return lambda: HTML(string=html()).write_pdf()


def typst():
    import typst as engine

    folder = tempfile.mkdtemp()
    source = os.path.join(folder, "ticket.typ")
    escaped = lambda words: json.dumps(words, ensure_ascii=False)
    compiler = engine.Compiler(source_of(source, escaped, 0), font_paths=[FONTS])
    number = 0

    def draw():
        nonlocal number
        number += 1
        # Another holder each time, as in life: what is the same is remembered.
        source_of(source, escaped, number)
        return compiler.compile(format="pdf")

    return draw


def source_of(path, escaped, number):
    fields = "\n".join(f"#text(7pt)[#{escaped(label)}] \\ #strong({escaped(value)}) \\" for label, value in FIELDS)
    notes = "\n".join(f"#strong({escaped(title)}) \\ #{escaped(words)} \\" for title, words in NOTES)
    rows = modules()
    rects = "".join(
        f"#place(dx:{column * 3}pt,dy:{row * 3}pt,rect(width:3pt,height:3pt,fill:black))\n"
        for row, line in enumerate(rows) for column, dark in enumerate(line) if dark
    )
    with open(path, "w", encoding="utf-8") as file:
        file.write(f'#set page("a4")\n#set text(font:"Noto Sans")\n#text(40pt)[#{escaped(TICKET["concert_name"])}]\n'
                   f'{fields}\nHolder {number}\n{notes}\n#box(width:176pt,height:176pt)[{rects}]\n')
    return path


def chromium():
    folder = tempfile.mkdtemp()
    page, target = os.path.join(folder, "ticket.html"), os.path.join(folder, "ticket.pdf")
    with open(page, "w", encoding="utf-8") as file:
        file.write("<meta charset=utf-8>" + html())
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}/profile",
               f"--print-to-pdf={target}", f"file://{page}"]

    def draw():
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
        with open(target, "rb") as file:
            return file.read()

    return draw


def main():
    found = json.loads(subprocess.check_output([BINARY, "bench", "render", "--json", "-"]))
    # The second outcome is the PDF.
    ours = found[1]["value"]
    print(f"ticketoverflow: {ours:.2f} ms")
    for name, tool in [("reportlab", reportlab), ("weasyprint", weasyprint), ("typst, warm", typst),
                       ("chromium, a process for each", chromium)]:
        try:
            spent, size = timed(tool())
        except Exception as error:  # A peer that is not there is no failure of ours.
            print(f"{name}: not measured ({error})")
            continue
        print(f"{name}: ratio {ours / spent:.3f} ({ours:.2f} ms ÷ {spent:.2f} ms; {size} bytes)")


main()
