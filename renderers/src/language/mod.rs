//! The words of tickets and plans in the buyer's language.

mod east;
mod north;
mod south;

use chrono::{Datelike, NaiveDate, NaiveTime};
use serde::{Deserialize, Serialize};

/// A language that labels, dates and notes are there in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// English.
    #[default]
    En,
    /// German.
    De,
    /// French.
    Fr,
    /// Spanish.
    Es,
    /// Italian.
    It,
    /// Romanian.
    Ro,
    /// Arabic, set from right to left.
    Ar,
    /// Japanese.
    Ja,
}

/// How a language says what stands on a ticket and in a plan.
pub(crate) struct Words {
    pub(crate) weekdays: [&'static str; 7],
    pub(crate) months: [&'static str; 12],
    pub(crate) date: DateOrder,
    pub(crate) labels: Labels,
    /// What the holder should know: a heading and a sentence each.
    pub(crate) notes: [(&'static str, &'static str); 4],
    /// That the concert will not take place: one word, and what it means for the holder.
    pub(crate) cancelled: (&'static str, &'static str),
    pub(crate) missing: &'static str,
    pub(crate) plan: PlanWords,
}

/// How the parts of a date are put together.
#[derive(Clone, Copy)]
pub(crate) enum DateOrder {
    /// `Saturday, 7 November 2026`
    Comma,
    /// `Samstag, 7. November 2026`
    Dotted,
    /// `samedi 7 novembre 2026`
    Plain,
    /// `sábado, 7 de noviembre de 2026`
    De,
    /// `السبت، 7 نوفمبر 2026`
    Arabic,
    /// `2026年11月7日（土）`
    Japanese,
}

/// The headings of fields.
pub(crate) struct Labels {
    pub(crate) admit_one: &'static str,
    pub(crate) when: &'static str,
    pub(crate) place: &'static str,
    pub(crate) section: &'static str,
    pub(crate) row: &'static str,
    pub(crate) seat: &'static str,
    pub(crate) holder: &'static str,
    pub(crate) number: &'static str,
    pub(crate) good_to_know: &'static str,
    pub(crate) terms: &'static str,
    pub(crate) details: &'static str,
    pub(crate) ticket: &'static str,
    pub(crate) concert: &'static str,
    pub(crate) date: &'static str,
    pub(crate) standing: &'static str,
    /// Before the time at which they open.
    pub(crate) doors: &'static str,
}

/// What a plan's pictures mean.
pub(crate) struct PlanWords {
    pub(crate) free: &'static str,
    pub(crate) sold: &'static str,
    pub(crate) held: &'static str,
    pub(crate) accessible: &'static str,
    pub(crate) companion: &'static str,
    pub(crate) restricted: &'static str,
    pub(crate) stage: &'static str,
}

impl Language {
    /// Every language.
    pub const ALL: [Self; 8] = [
        Self::En,
        Self::De,
        Self::Fr,
        Self::Es,
        Self::It,
        Self::Ro,
        Self::Ar,
        Self::Ja,
    ];

    /// Its tag (BCP 47).
    pub fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::De => "de",
            Self::Fr => "fr",
            Self::Es => "es",
            Self::It => "it",
            Self::Ro => "ro",
            Self::Ar => "ar",
            Self::Ja => "ja",
        }
    }

    /// The language of a tag such as `de-AT`; none that there are no words in.
    pub fn of_tag(tag: &str) -> Option<Self> {
        let primary = tag.split(['-', '_']).next().unwrap_or_default();
        let is = |language: &Self| language.tag().eq_ignore_ascii_case(primary);
        Self::ALL.into_iter().find(is)
    }

    /// Whether it is set from right to left.
    pub(crate) fn is_rtl(self) -> bool {
        self == Self::Ar
    }

    /// Whether its letters may be set apart, and be all capitals. Arabic ones are joined.
    pub(crate) fn has_capitals(self) -> bool {
        !matches!(self, Self::Ar | Self::Ja)
    }

    pub(crate) fn words(self) -> &'static Words {
        match self {
            Self::En => &north::EN,
            Self::De => &north::DE,
            Self::Fr => &south::FR,
            Self::Es => &south::ES,
            Self::It => &south::IT,
            Self::Ro => &south::RO,
            Self::Ar => &east::AR,
            Self::Ja => &east::JA,
        }
    }

    /// A day in full.
    pub(crate) fn date(self, date: NaiveDate) -> String {
        let words = self.words();
        let weekday = words.weekdays[date.weekday().num_days_from_monday() as usize];
        let month = words.months[date.month0() as usize];
        let (day, year) = (date.day(), date.year());
        match words.date {
            DateOrder::Comma => format!("{weekday}, {day} {month} {year}"),
            DateOrder::Dotted => format!("{weekday}, {day}. {month} {year}"),
            DateOrder::Plain => format!("{weekday} {day} {month} {year}"),
            DateOrder::De => format!("{weekday}, {day} de {month} de {year}"),
            DateOrder::Arabic => format!("{weekday}، {day} {month} {year}"),
            DateOrder::Japanese => format!("{year}年{month}{day}日（{weekday}）"),
        }
    }

    /// A day near another one that is there in full.
    pub(crate) fn near_date(self, date: NaiveDate) -> String {
        let words = self.words();
        let weekday = words.weekdays[date.weekday().num_days_from_monday() as usize];
        let (day, month) = (date.day(), words.months[date.month0() as usize]);
        match words.date {
            DateOrder::Comma => format!("{weekday}, {day} {month}"),
            DateOrder::Dotted => format!("{weekday}, {day}. {month}"),
            DateOrder::Plain => format!("{weekday} {day} {month}"),
            DateOrder::De => format!("{weekday}, {day} de {month}"),
            DateOrder::Arabic => format!("{weekday}، {day} {month}"),
            DateOrder::Japanese => format!("{month}{day}日（{weekday}）"),
        }
    }

    /// A time of day as it is written where the language is spoken.
    pub(crate) fn time(self, time: NaiveTime) -> String {
        match self {
            Self::De => time.format("%H:%M Uhr").to_string(),
            _ => time.format("%H:%M").to_string(),
        }
    }

    /// A number with the language's mark before every three digits.
    pub(crate) fn grouped(self, number: u32) -> String {
        let mark = match self {
            Self::En | Self::Ar | Self::Ja => ',',
            Self::De | Self::Es | Self::It | Self::Ro => '.',
            Self::Fr => '\u{A0}',
        };
        let digits = number.to_string();
        let mut out = String::new();
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 && (digits.len() - index).is_multiple_of(3) {
                out.push(mark);
            }
            out.push(digit);
        }
        out
    }

    /// Where to sit, in one line.
    pub(crate) fn seat(self, section: Option<&str>, row: &str, number: &str) -> String {
        let labels = &self.words().labels;
        let place = match self {
            _ if row.is_empty() => format!("{} {number}", labels.standing),
            Self::Ja => format!("{row}列 {number}番"),
            _ => {
                let mark = if self.is_rtl() { '،' } else { ',' };
                // German writes its nouns with a capital letter wherever they stand.
                let row_word = match section {
                    Some(_) if self != Self::De => labels.row.to_lowercase(),
                    _ => labels.row.to_owned(),
                };
                let seat = match self {
                    Self::De => labels.seat.to_owned(),
                    _ => labels.seat.to_lowercase(),
                };
                format!("{row_word} {row}{mark} {seat} {number}")
            }
        };
        match section {
            // A word of ours comes first, so that the line has our direction whatever the name is.
            Some(section) if self.is_rtl() => format!("{} {section}، {place}", labels.section),
            Some(section) if self == Self::Ja => format!("{section} {place}"),
            Some(section) => format!("{section}, {place}"),
            None => place,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_as_each_language_does() {
        let date = NaiveDate::from_ymd_opt(2026, 11, 7).unwrap();
        let written = Language::ALL.map(|language| language.date(date));
        let expected = [
            "Saturday, 7 November 2026",
            "Samstag, 7. November 2026",
            "samedi 7 novembre 2026",
            "sábado, 7 de noviembre de 2026",
            "sabato 7 novembre 2026",
            "sâmbătă, 7 noiembrie 2026",
            "السبت، 7 نوفمبر 2026",
            "2026年11月7日（土）",
        ];
        assert_eq!(written, expected);
        // The same without its year.
        let near = Language::ALL.map(|language| language.near_date(date));
        for (near, full) in near.iter().zip(expected) {
            let without = full.replace("2026年", "").replace(" de 2026", "");
            assert_eq!(*near, without.replace(" 2026", ""));
        }
    }

    #[test]
    fn digits_of_large_numbers_stand_in_threes() {
        assert_eq!(Language::En.grouped(999), "999");
        assert_eq!(Language::En.grouped(1_000_000), "1,000,000");
        assert_eq!(Language::De.grouped(12_345), "12.345");
        assert_eq!(Language::Fr.grouped(12_345), "12\u{A0}345");
    }

    #[test]
    fn seats_are_said_in_one_line() {
        let en = Language::En;
        assert_eq!(en.seat(None, "AB", "112"), "Row AB, seat 112");
        let stalls = en.seat(Some("Stalls"), "1", "2");
        assert_eq!(stalls, "Stalls, row 1, seat 2");
        let (de, fr) = (Language::De, Language::Fr);
        assert_eq!(de.seat(Some("Rang"), "A", "1"), "Rang, Reihe A, Platz 1");
        assert_eq!(fr.seat(Some("Balcon"), "A", "1"), "Balcon, rang A, place 1");
        assert_eq!(de.seat(None, "A", "1"), "Reihe A, Platz 1");
        let ja = Language::Ja;
        assert_eq!(ja.seat(None, "A", "1"), "A列 1番");
        assert_eq!(ja.seat(Some("1階"), "A", "1"), "1階 A列 1番");
        assert_eq!(ja.seat(Some("アリーナ"), "", "9"), "アリーナ 自由席 9");
        let balcony = Language::Ar.seat(Some("Balcony"), "A", "1");
        assert_eq!(balcony, "القسم Balcony، الصف A، المقعد 1");
    }

    #[test]
    fn tags_with_regions_name_their_language() {
        assert_eq!(Language::of_tag("de-AT"), Some(Language::De));
        assert_eq!(Language::of_tag("JA"), Some(Language::Ja));
        assert_eq!(Language::of_tag("xx"), None);
        for language in Language::ALL {
            assert_eq!(Language::of_tag(language.tag()), Some(language));
        }
    }
}
