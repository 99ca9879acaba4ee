use super::*;

const PLACE: Place = Place {
    width: 300.0,
    height: 60.0,
    sizes: &[40.0, 20.0, 12.0, 8.0, 5.0],
    line_size_min: 20.0,
    leading: 1.2,
    weight: Weight::Bold,
};

fn samples() -> Vec<String> {
    let units = [
        "W",
        "i",
        "word ",
        "漢",
        "ا",
        "שלום ",
        "é",
        "🎉",
        "a\u{301}",
        "\u{FDFD}",
    ];
    let mut samples = vec![String::new(), " ".to_owned()];
    for unit in units {
        samples.extend([1, 7, 30, 200, 1000].map(|count| unit.repeat(count)));
    }
    samples
}

#[test]
fn fitted_text_stays_in_its_place() {
    for text in samples() {
        let fitted = fit(&text, &PLACE, Reading::LeftToRight);
        let height = fitted.leading * crate::scene::count(fitted.lines.len());
        assert!(height <= PLACE.height + 0.01, "{text:.20} is {height} high");
        for line in &fitted.lines {
            let width = line.shaped.width * fitted.size;
            assert!(width <= PLACE.width + 0.01, "{text:.20} is {width} wide");
        }
    }
}

#[test]
fn complete_lines_together_are_the_text() {
    for text in samples() {
        let fitted = fit(&text, &PLACE, Reading::LeftToRight);
        let lines = fitted.lines.iter();
        let joined: String = lines
            .flat_map(|line| [line.shaped.text.as_str(), &line.trailing])
            .collect();
        if fitted.complete {
            assert_eq!(joined, text);
        } else {
            assert!(
                joined.ends_with('…') && joined.len() < text.len(),
                "{joined:.20}"
            );
        }
    }
}

#[test]
fn text_is_made_smaller_before_it_is_divided() {
    let fitted = fit("one two three four five", &PLACE, Reading::LeftToRight);
    assert_eq!((fitted.lines.len(), fitted.size), (1, 20.0));
}

#[test]
fn lines_break_at_spaces_and_are_about_equally_long() {
    let fitted = fit(
        "one two three four five six seven eight nine ten",
        &PLACE,
        Reading::LeftToRight,
    );
    let lines: Vec<_> = fitted
        .lines
        .iter()
        .map(|line| line.shaped.text.as_str())
        .collect();
    assert_eq!(
        lines,
        ["one two three four five", "six seven eight nine ten"]
    );
}

#[test]
fn japanese_lines_keep_words_from_abroad_and_brackets_whole() {
    let lines_of = |text: &str| -> Vec<String> {
        let fitted = fit(text, &PLACE, Reading::LeftToRight);
        let lines = fitted.lines.into_iter();
        lines.map(|line| line.shaped.text).collect()
    };
    let tour = lines_of("東京事変の単独ライブツアー総合芸術の一夜");
    assert_eq!(tour, ["東京事変の単独ライブツアー", "総合芸術の一夜"]);
    let quoted = lines_of("東京事変と椎名林檎の夜「総合芸術と音楽の夕べ」");
    assert_eq!(
        quoted,
        ["東京事変と椎名林檎の夜", "「総合芸術と音楽の夕べ」"]
    );
    // A word that is longer than a line is divided all the same.
    assert!(lines_of(&"ラ".repeat(100)).len() > 1);
}

#[test]
fn clusters_cover_the_text_once() {
    for text in samples()
        .iter()
        .map(String::as_str)
        .chain(["abc שלום 12 محمد x", "a\u{202E}bc"])
    {
        let line = Line::shape(text, Weight::Regular);
        let mut ranges: Vec<_> = line
            .clusters
            .iter()
            .map(|cluster| cluster.text.clone())
            .collect();
        ranges.sort_by_key(|range| range.start);
        let covered: String = ranges.iter().map(|range| &text[range.clone()]).collect();
        assert_eq!(covered, text, "{ranges:?}");
    }
}

#[test]
fn right_to_left_runs_are_placed_from_the_right() {
    let line = Line::shape("a אב", Weight::Regular);
    let order: Vec<_> = line
        .clusters
        .iter()
        .map(|c| &line.text[c.text.clone()])
        .collect();
    assert_eq!(order, ["a", " ", "ב", "א"]);
}

#[test]
fn arabic_letters_are_joined() {
    let [alone, joined] = ["ب", "ببب"].map(|text| Line::shape(text, Weight::Regular));
    assert_eq!(joined.clusters.len(), 3);
    assert!(
        joined.width < 2.0 * alone.width,
        "{} and {}",
        joined.width,
        alone.width
    );
}

#[test]
fn names_in_covered_scripts_have_all_their_glyphs() {
    let names = [
        "Zoë Brânză Łukasz Đặng Şeyma Þór",
        "Nguyễn Thị Ánh Tuyết",
        "Сергій Щербаков Ђорђе",
        "Γιώργος Σεφέρης",
        "שָׁלוֹם בן־דוד",
        "محمد عبد الله ۱۲۳ پژمان",
        "प्रिया शर्मा",
        "東京 椎名林檎 ひらがな カタカナ",
        "€ № … — “„” ’",
    ];
    for name in names {
        for weight in [Weight::Regular, Weight::Bold] {
            assert_eq!(Line::shape(name, weight).missing().count(), 0, "{name}");
        }
    }
}

#[test]
fn characters_without_a_glyph_are_one_em_wide() {
    let line = Line::shape("가🎉\u{FE0F}", Weight::Regular);
    assert_eq!(line.missing().collect::<String>(), "가🎉");
    assert!((line.width - 2.0).abs() < f32::EPSILON);
}

#[test]
fn marks_beyond_three_on_a_letter_are_not_drawn() {
    let line = Line::shape(&format!("Z{}", "\u{301}".repeat(1000)), Weight::Regular);
    assert!(line.glyphs.len() <= 4, "{}", line.glyphs.len());
}

#[test]
fn clean_text_is_borrowed() {
    assert!(matches!(clean("a b ü 🎉"), Cow::Borrowed(_)));
    assert_eq!(clean("a\u{0}b\u{B}c\r\nd\u{FFFE}"), "abc  d");
}
