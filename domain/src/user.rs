//! The user directory: a stand-in for another team's service, fixed for the life of a process.

use std::collections::HashMap;

use uuid::Uuid;

use crate::ids::{UserId, mix};

/// Users of the generated directory.
pub const GENERATED_USERS: u32 = 5_000;

/// The most users that a directory may hold.
pub const USERS_MAX: usize = 1_000_000;

/// Somebody who can buy tickets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Its id.
    pub id: UserId,
    /// As printed on tickets.
    pub name: String,
    /// As printed on tickets. Not unique: families share addresses.
    pub email: String,
}

/// Every user there is, in a fixed order.
#[derive(Debug)]
pub struct UserDirectory {
    users: Vec<User>,
    by_id: HashMap<UserId, usize>,
}

/// Why a list of users is no directory.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDirectory {
    /// More than [`USERS_MAX`] users.
    #[error("{0} users are more than the 1,000,000 that a directory may hold")]
    TooMany(usize),
    /// Two users share an id.
    #[error("user {position} (counted from 0) repeats the id {id}")]
    RepeatedId {
        /// Index of the second user.
        position: usize,
        /// The id they share.
        id: UserId,
    },
    /// A name or an address is empty, too long or holds control characters.
    #[error("user {position} (counted from 0): {field} must have 1 to 1,000 printable characters")]
    BadText {
        /// Index of the user.
        position: usize,
        /// `name` or `email`.
        field: &'static str,
    },
}

impl UserDirectory {
    /// The built-in directory: always the same [`GENERATED_USERS`] users, with the hard cases
    /// that real directories hold: quotes, several scripts, repeated addresses.
    pub fn generated() -> Self {
        let users = (1..=GENERATED_USERS).map(generate).collect();
        Self::new(users).expect("generated users have distinct ids and printable names")
    }

    /// A directory of these users, in this order.
    pub fn new(users: Vec<User>) -> Result<Self, InvalidDirectory> {
        if users.len() > USERS_MAX {
            return Err(InvalidDirectory::TooMany(users.len()));
        }
        let mut by_id = HashMap::with_capacity(users.len());
        for (position, user) in users.iter().enumerate() {
            for (field, text) in [("name", &user.name), ("email", &user.email)] {
                if crate::concert::Name::parse(text).is_err() {
                    return Err(InvalidDirectory::BadText { position, field });
                }
            }
            if by_id.insert(user.id, position).is_some() {
                return Err(InvalidDirectory::RepeatedId {
                    position,
                    id: user.id,
                });
            }
        }
        Ok(Self { users, by_id })
    }

    /// Everybody, in order.
    pub fn all(&self) -> &[User] {
        &self.users
    }

    /// The user of that id.
    pub fn find(&self, id: UserId) -> Option<&User> {
        self.by_id.get(&id).map(|&at| &self.users[at])
    }
}

const GIVEN: [&str; 32] = [
    "Ada",
    "José",
    "Сергей",
    "Ελένη",
    "Nguyễn",
    "Zoë",
    "Łukasz",
    "Ștefan",
    "Ана",
    "Søren",
    "Chloé",
    "Jürgen",
    "Γιώργος",
    "Ólafur",
    "Miloš",
    "Aisha",
    "שלום",
    "سلام",
    "東京",
    "さくら",
    "Seán",
    "Ingrid",
    "Mateus",
    "Наталья",
    "Thị",
    "Çağla",
    "Anna-Lena",
    "Jean-Luc",
    "Mary Jane",
    "Bảo",
    "Дмитрий",
    "Renée",
];
const FAMILY: [&str; 24] = [
    "Lovelace",
    "García",
    "Иванов",
    "Παπαδόπουλος",
    "Văn",
    "O'Neil",
    "Kowalski",
    "Popescu",
    "Петровић",
    "Kierkegaard",
    "D'Artagnan",
    "Müller",
    "Νικολάου",
    "Þórsson",
    "Horvat",
    "Khan",
    "כהן",
    "حسن",
    "田中",
    "Smith",
    "Ó Briain",
    "de la Cruz",
    "Silva",
    "Кузнецова",
];

/// Every 97th user has a nickname in quotes, every 50th shares the address of the one before.
fn generate(number: u32) -> User {
    let random = mix(u64::from(number));
    let (given, family) = (pick(&GIVEN, random), pick(&FAMILY, random >> 32));
    let name = if number.is_multiple_of(97) {
        format!("{given} \"The {number}\" {family}")
    } else {
        format!("{given} {family}")
    };
    let mailbox = if number.is_multiple_of(50) {
        number - 1
    } else {
        number
    };
    let id = UserId(Uuid::from_u128(
        u128::from_str_radix(&number.to_string(), 16).unwrap_or(0),
    ));
    User {
        id,
        name,
        email: format!("buyer{mailbox}@example.com"),
    }
}

fn pick<'a>(from: &[&'a str], random: u64) -> &'a str {
    let at = random % from.len() as u64;
    from[usize::try_from(at).expect("an index into a short list")]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generated_directory_counts_from_1_to_5000_in_order() {
        let directory = UserDirectory::generated();
        let ids: Vec<_> = directory
            .all()
            .iter()
            .map(|user| user.id.to_string())
            .collect();
        assert_eq!(ids.len(), 5_000);
        assert_eq!(ids[0], "00000000-0000-0000-0000-000000000001");
        assert_eq!(ids[4_999], "00000000-0000-0000-0000-000000005000");
        assert!(ids.is_sorted());
        assert_eq!(directory.all(), UserDirectory::generated().all());
    }

    #[test]
    fn the_generated_directory_holds_the_hard_cases() {
        let directory = UserDirectory::generated();
        let any = |test: fn(&str) -> bool| directory.all().iter().any(|user| test(&user.name));
        assert!(any(|name| name.contains('"')));
        assert!(any(|name| name.contains('\'')));
        assert!(any(|name| name.contains("Сергей")));
        assert!(any(|name| name.contains("東京")));
        assert_eq!(directory.all()[48].email, directory.all()[49].email);
    }

    #[test]
    fn a_directory_refuses_repeated_ids_and_unprintable_names() {
        let user = UserDirectory::generated().all()[0].clone();
        let twice = UserDirectory::new(vec![user.clone(), user.clone()]);
        assert!(matches!(
            twice,
            Err(InvalidDirectory::RepeatedId { position: 1, .. })
        ));
        let bad = UserDirectory::new(vec![User {
            name: "a\0".into(),
            ..user
        }]);
        assert!(matches!(
            bad,
            Err(InvalidDirectory::BadText {
                position: 0,
                field: "name"
            })
        ));
    }
}
