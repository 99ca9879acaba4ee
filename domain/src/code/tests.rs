use super::*;
use crate::clock::from_micros;
use crate::concert::{Name, Status, parse_date};
use crate::ids::UserId;
use crate::ticket::Print;

fn sample() -> (Ticket, Concert) {
    let concert = Concert {
        id: ConcertId(Uuid::from_u128(1)),
        name: Name::parse("Elsa on Ice").unwrap(),
        venue: Name::parse("Hall 1").unwrap(),
        date: parse_date("1969-12-31").unwrap(),
        capacity: 100,
        layout_id: None,
        status: Status::Active,
        version: 3,
        created_at: from_micros(0),
    };
    let ticket = Ticket {
        id: TicketId(Uuid::from_u128(2)),
        concert_id: concert.id,
        user_id: UserId(Uuid::from_u128(3)),
        seat: SeatNo(42),
        bought_at: from_micros(0),
        print: Print::Never,
        concert_version: 3,
    };
    (ticket, concert)
}

#[test]
fn a_code_says_what_was_signed() {
    let signer = Signer::new(9, &[7; 32]);
    let (ticket, concert) = sample();
    let code = signer.sign(&ticket, &concert);
    assert_eq!(code, signer.sign(&ticket, &concert));
    let read = verify(&code, &signer.public_key()).unwrap();
    assert_eq!(read.key_id, 9);
    assert_eq!((read.ticket_id, read.concert_id), (ticket.id, concert.id));
    assert_eq!(
        (read.seat, read.version, read.date),
        (ticket.seat, 3, concert.date)
    );
}

#[test]
fn codes_of_every_key_of_a_ring_are_read_and_no_others() {
    let (ticket, concert) = sample();
    let mut ring = Keyring::default();
    let [old, new] = [(1, [7; 32]), (2, [8; 32])].map(|(id, secret)| Signer::new(id, &secret));
    for signer in [&old, &new] {
        ring.insert(signer.key_id(), signer.public_key());
    }
    for signer in [&old, &new] {
        let code = signer.sign(&ticket, &concert);
        assert_eq!(ring.verify(&code).unwrap().key_id, signer.key_id());
    }
    let unknown = Signer::new(3, &[7; 32]).sign(&ticket, &concert);
    assert_eq!(ring.verify(&unknown), Err(InvalidCode::UnknownKey(3)));
    let swapped = Signer::new(2, &[7; 32]).sign(&ticket, &concert);
    assert_eq!(ring.verify(&swapped), Err(InvalidCode::Forged));
    assert_eq!(ring.verify(""), Err(InvalidCode::NotACode));
}

#[test]
fn gate_admits_to_its_show_on_its_day_only() {
    let signer = Signer::new(1, &[7; 32]);
    let (ticket, concert) = sample();
    let code = verify(&signer.sign(&ticket, &concert), &signer.public_key()).unwrap();
    let right = Gate {
        concert_id: Some(concert.id),
        version: Some(3),
        date: Some(concert.date),
    };
    assert_eq!(code.judge(&right), Verdict::Valid);
    assert_eq!(code.judge(&Gate::default()), Verdict::Valid);
    let other = ConcertId(Uuid::from_u128(9));
    let tomorrow = concert.date.succ_opt();
    let outdated = Verdict::Outdated {
        printed: 3,
        present: 4,
    };
    for (gate, verdict) in [
        (
            Gate {
                concert_id: Some(other),
                ..right
            },
            Verdict::WrongShow,
        ),
        (
            Gate {
                version: Some(4),
                ..right
            },
            outdated,
        ),
        (
            Gate {
                date: tomorrow,
                ..right
            },
            Verdict::WrongDay(concert.date),
        ),
    ] {
        assert_eq!(code.judge(&gate), verdict);
    }
}

#[test]
fn code_of_a_cancelled_concert_is_of_another_format_and_admits_nobody() {
    let signer = Signer::new(9, &[7; 32]);
    let (ticket, mut concert) = sample();
    let good = signer.sign(&ticket, &concert);
    concert.status = Status::Cancelled;
    let code = signer.sign(&ticket, &concert);
    // Gates that know format 1 only refuse another first byte.
    let bytes = |code: &str| base45::decode(code).unwrap();
    assert_eq!((bytes(&good)[0], bytes(&code)[0]), (1, 2));
    let read = verify(&code, &signer.public_key()).unwrap();
    assert!(read.cancelled);
    assert_eq!(read.judge(&Gate::default()), Verdict::Cancelled);
    let gate = |concert_id, version| Gate {
        concert_id,
        version,
        date: Some(concert.date),
    };
    let of_it = gate(Some(concert.id), Some(3));
    assert_eq!(read.judge(&of_it), Verdict::Cancelled);
    // It takes place after all: the holder needs a new print.
    let (printed, present) = (3, 4);
    let outdated = Verdict::Outdated { printed, present };
    assert_eq!(read.judge(&gate(None, Some(present))), outdated);
    // The format is signed like all else.
    let mut forged = bytes(&code);
    forged[0] = FORMAT;
    let forged = base45::encode(&forged);
    let refused = verify(&forged, &signer.public_key());
    assert_eq!(refused, Err(InvalidCode::Forged));
    let unknown = [&[3], &bytes(&code)[1..]].concat();
    let unknown = verify(&base45::encode(&unknown), &signer.public_key());
    assert_eq!(unknown, Err(InvalidCode::Format(3)));
}

#[test]
fn codes_are_read_however_scanners_hand_them_over() {
    let (ticket, mut concert) = sample();
    for status in [Status::Active, Status::Cancelled] {
        concert.status = status;
        for key_id in 0..=u8::MAX {
            // Of some keys codes begin with a blank.
            let signer = Signer::new(key_id, &[7; 32]);
            let code = signer.sign(&ticket, &concert);
            assert_eq!(code.len(), CODE_CHARS);
            let ways = [
                code.clone(),
                code.to_lowercase(),
                format!("]Q1{code}"),
                format!("  ]q3{}\r\n", code.to_lowercase()),
                format!("]d2 {code}\t"),
                format!("\u{FEFF}\u{1D}{code}\n"),
                format!("{}\r\n{}", &code[..76], &code[76..]),
                code.trim().to_owned(),
            ];
            for way in ways {
                let read = verify(&way, &signer.public_key());
                assert_eq!(read.map(|read| read.key_id), Ok(key_id), "{way:?}");
            }
        }
    }
    let code = Signer::new(1, &[7; 32]).sign(&ticket, &concert);
    for wrong in [
        format!("]Q{code}"),
        format!("Q1{code}"),
        format!("]]Q1{code}"),
    ] {
        assert!(verify(&wrong, &Signer::new(1, &[7; 32]).public_key()).is_err());
    }
}

#[test]
fn no_single_changed_byte_goes_unnoticed() {
    let signer = Signer::new(9, &[7; 32]);
    let (ticket, concert) = sample();
    let bytes = base45::decode(signer.sign(&ticket, &concert)).unwrap();
    for at in 0..bytes.len() {
        let mut forged = bytes.clone();
        forged[at] ^= 1;
        assert!(
            verify(&base45::encode(&forged), &signer.public_key()).is_err(),
            "byte {at}"
        );
    }
    for text in ["", "HELLO", "ÄÖ", &"A".repeat(100_000)] {
        assert!(verify(text, &signer.public_key()).is_err());
    }
    let other = Signer::new(9, &[8; 32]);
    let code = signer.sign(&ticket, &concert);
    assert_eq!(verify(&code, &other.public_key()), Err(InvalidCode::Forged));
}
