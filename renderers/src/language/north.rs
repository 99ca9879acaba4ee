//! English and German.

use super::{DateOrder, Labels, PlanWords, Words};

pub(super) const EN: Words = Words {
    weekdays: [
        "Monday",
        "Tuesday",
        "Wednesday",
        "Thursday",
        "Friday",
        "Saturday",
        "Sunday",
    ],
    months: [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
    date: DateOrder::Comma,
    labels: Labels {
        admit_one: "Admit one",
        when: "Date",
        place: "Venue",
        section: "Section",
        row: "Row",
        seat: "Seat",
        holder: "Holder",
        number: "Ticket no.",
        good_to_know: "Good to know",
        terms: "Terms",
        details: "Ticket details",
        ticket: "Ticket",
        concert: "Concert",
        date: "Date",
        standing: "General admission",
        doors: "Doors:",
    },
    notes: [
        (
            "Bring this page or show it on a screen.",
            "The code is read at the door. Keep it flat, clean and bright.",
        ),
        (
            "One code, one person, one entry.",
            "The first scan counts. Do not share pictures of the code.",
        ),
        (
            "Look again before you leave.",
            "If the concert changes, this print expires. Get the new one.",
        ),
        (
            "Fold it twice.",
            "Along the dashed line, then in half: seat and code stay outside.",
        ),
    ],
    cancelled: (
        "Cancelled",
        "The concert will not take place. This ticket does not admit anyone.",
    ),
    missing: "A framed number stands for a character that this print has no letterform for: its \
              Unicode code point.",
    plan: PlanWords {
        free: "Free",
        sold: "Sold",
        held: "On hold",
        accessible: "Room for wheelchairs",
        companion: "Companion",
        restricted: "Restricted view",
        stage: "STAGE",
    },
};

pub(super) const DE: Words = Words {
    weekdays: [
        "Montag",
        "Dienstag",
        "Mittwoch",
        "Donnerstag",
        "Freitag",
        "Samstag",
        "Sonntag",
    ],
    months: [
        "Januar",
        "Februar",
        "März",
        "April",
        "Mai",
        "Juni",
        "Juli",
        "August",
        "September",
        "Oktober",
        "November",
        "Dezember",
    ],
    date: DateOrder::Dotted,
    labels: Labels {
        admit_one: "Eintritt für eine Person",
        when: "Datum",
        place: "Ort",
        section: "Bereich",
        row: "Reihe",
        seat: "Platz",
        holder: "Inhaber",
        number: "Ticket-Nr.",
        good_to_know: "Gut zu wissen",
        terms: "Bedingungen",
        details: "Angaben zum Ticket",
        ticket: "Ticket",
        concert: "Konzert",
        date: "Datum",
        standing: "Freie Platzwahl",
        doors: "Einlass:",
    },
    notes: [
        (
            "Ausgedruckt oder auf dem Bildschirm.",
            "Der Code wird am Einlass gelesen: flach, sauber und hell.",
        ),
        (
            "Ein Code, eine Person, ein Eintritt.",
            "Der erste Scan zählt. Bitte keine Bilder des Codes teilen.",
        ),
        (
            "Vor dem Aufbruch noch einmal nachsehen.",
            "Ändert sich das Konzert, verfällt dieser Druck. Dann neu laden.",
        ),
        (
            "Zweimal falten.",
            "An der gestrichelten Linie, dann zur Hälfte: Platz und Code bleiben außen.",
        ),
    ],
    cancelled: (
        "Abgesagt",
        "Das Konzert findet nicht statt. Mit diesem Ticket gibt es keinen Einlass.",
    ),
    missing: "Eine gerahmte Zahl steht für ein Zeichen, für das dieser Druck keine Form hat: \
              seine Nummer in Unicode.",
    plan: PlanWords {
        free: "Frei",
        sold: "Verkauft",
        held: "Reserviert",
        accessible: "Rollstuhlplatz",
        companion: "Begleitung",
        restricted: "Eingeschränkte Sicht",
        stage: "BÜHNE",
    },
};
