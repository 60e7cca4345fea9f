//! The account of the device (guide §4, §5.4.1): activation, password, security questions.
//!
//! There is one user, `admin`. Passwords and answers are kept as Argon2id digests alone. Knows nothing of pages and sessions, which ask it.

use std::fmt;

use argon2::{Algorithm, Argon2, Params, Version};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The user's name (guide §5.4.1: fixed).
pub const USER_NAME: &str = "admin";

/// The preset security questions (guide §5.4.1).
pub const SECURITY_QUESTIONS: [&str; 12] = [
    "What's your father's name?",
    "What's your favorite sport?",
    "What's your mother's name?",
    "What's your mobile number?",
    "What's your first pet's name?",
    "What's your favorite book?",
    "What's your favorite game?",
    "What's your favorite food?",
    "What's your lucky number?",
    "What's your favorite color?",
    "What's your best friend's name?",
    "Where did you go on your first trip?",
];

/// Length of a password, characters (guide §4).
const PASSWORD_CHARS: std::ops::RangeInclusive<usize> = 8..=32;
/// The longest question or answer, bytes. Ours: everything has a bound.
const ANSWER_BYTES_MAX: usize = 128;

/// What leaves the device of what it sees (guide §4): chosen at activation, changed only by a reset to the factory's settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PrivacyMode {
    /// *Low resolution blurring B/W video stream*.
    Blur,
    /// *No processing of video stream*.
    Normal,
}

/// A security question, a preset one or one's own, and its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecurityQuestion {
    /// As the user reads it.
    pub question: String,
    /// Compared without regard to case and to spaces around it.
    pub answer: String,
}

/// What a person may do to the account.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum AccountCommand {
    /// Sets password and privacy mode on a device that has none.
    Activate {
        /// 8 to 32 characters, at least one letter and one digit.
        password: String,
        /// For good.
        privacy: PrivacyMode,
    },
    /// Asks whether this is the user.
    Login {
        /// `admin`.
        user_name: String,
        /// The user's.
        password: String,
    },
    /// Sets another password.
    ChangePassword {
        /// The present one.
        password: String,
        /// As at activation.
        new_password: String,
    },
    /// Sets the three security questions.
    SetSecurityQuestions {
        /// The user's.
        password: String,
        /// In the order in which they will be asked.
        #[serde(deserialize_with = "three", serialize_with = "as_list")]
        questions: [SecurityQuestion; 3],
    },
    /// *Forgot password*: sets another password for whoever can answer all three questions.
    Recover {
        /// In the order of the questions.
        #[serde(deserialize_with = "three", serialize_with = "as_list")]
        answers: [String; 3],
        /// As at activation.
        new_password: String,
    },
}

/// A list of three; serde would take a list for a tuple of another length, and speak of that.
fn as_list<T: Serialize, S: Serializer>(three: &[T; 3], serializer: S) -> Result<S::Ok, S::Error> {
    three.as_slice().serialize(serializer)
}

fn three<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<[T; 3], D::Error> {
    let given: Vec<T> = Vec::deserialize(deserializer)?;
    given.try_into().map_err(|given: Vec<T>| D::Error::custom(format!("must be three, not {}", given.len())))
}

/// Why an account command was refused. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccountError {
    /// The device has a password already.
    AlreadyActive,
    /// The device has no password yet.
    NotActive,
    /// What is to be the password cannot be one.
    Password {
        /// Where it was given.
        field: &'static str,
        /// What would be right.
        words: &'static str,
    },
    /// No such user, or not the user's password.
    WrongPassword,
    /// No questions were set.
    NoQuestions,
    /// A question or an answer cannot be one; they are counted from 1.
    Question(usize, &'static str),
    /// Not all answers are right.
    WrongAnswers,
    /// What is stored cannot be read: only a reset helps.
    Lost,
}

impl fmt::Display for AccountError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AccountError::AlreadyActive => f.write_str("the device is active already: log in, or reset it"),
            AccountError::NotActive => f.write_str("the device is not active yet: set a password first"),
            AccountError::Password { field, words } => write!(f, "{field}: {words}"),
            AccountError::WrongPassword => f.write_str("user name or password is wrong"),
            AccountError::NoQuestions => f.write_str("no security questions were set: reset the device"),
            AccountError::Question(number, words) => write!(f, "question {number}: {words}"),
            AccountError::Lost => f.write_str("the account cannot be read: reset the device"),
            AccountError::WrongAnswers => f.write_str("not all answers are right"),
        }
    }
}

impl std::error::Error for AccountError {}

/// The account as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Account {
    password: Digest,
    questions: Option<[StoredQuestion; 3]>,
    pub privacy: PrivacyMode,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct StoredQuestion {
    question: String,
    answer: Digest,
}

impl Account {
    /// What a command makes of the account; unchanged for a login.
    pub fn after(
        account: Option<&Account>,
        command: AccountCommand,
        rng: &mut ChaCha8Rng,
    ) -> Result<Account, AccountError> {
        let active = account.ok_or(AccountError::NotActive);
        match command {
            AccountCommand::Activate { password, privacy } => {
                if account.is_some() {
                    return Err(AccountError::AlreadyActive);
                }
                check_password("password", &password)?;
                Ok(Account { password: Digest::of(&password, rng), questions: None, privacy })
            }
            AccountCommand::Login { user_name, password } => {
                let account = active?.known_by(&password)?;
                if user_name == USER_NAME { Ok(account.clone()) } else { Err(AccountError::WrongPassword) }
            }
            AccountCommand::ChangePassword { password, new_password } => {
                let account = active?.known_by(&password)?;
                check_password("new_password", &new_password)?;
                Ok(Account { password: Digest::of(&new_password, rng), ..account.clone() })
            }
            AccountCommand::SetSecurityQuestions { password, questions } => {
                let account = active?.known_by(&password)?;
                check_questions(&questions)?;
                let questions = questions.map(|SecurityQuestion { question, answer }| StoredQuestion {
                    question,
                    answer: Digest::of(&plain(&answer), rng),
                });
                Ok(Account { questions: Some(questions), ..account.clone() })
            }
            AccountCommand::Recover { answers, new_password } => {
                let account = active?;
                let questions = account.questions.as_ref().ok_or(AccountError::NoQuestions)?;
                // All are judged, so that the time it takes tells nothing of the first that is wrong.
                let right =
                    questions.iter().zip(&answers).filter(|(stored, answer)| stored.answer.is_of(&plain(answer)));
                if right.count() < questions.len() {
                    return Err(AccountError::WrongAnswers);
                }
                check_password("new_password", &new_password)?;
                Ok(Account { password: Digest::of(&new_password, rng), ..account.clone() })
            }
        }
    }

    /// The questions, if they were set.
    pub fn questions(&self) -> Option<[&str; 3]> {
        self.questions.as_ref().map(|questions| questions.each_ref().map(|stored| stored.question.as_str()))
    }

    fn known_by(&self, password: &str) -> Result<&Self, AccountError> {
        self.password.is_of(password).then_some(self).ok_or(AccountError::WrongPassword)
    }
}

fn plain(answer: &str) -> String {
    answer.trim().to_lowercase()
}

fn check_password(field: &'static str, password: &str) -> Result<(), AccountError> {
    let refused = |words| Err(AccountError::Password { field, words });
    let has = |is: fn(char) -> bool| password.chars().any(is);
    if !PASSWORD_CHARS.contains(&password.chars().count()) {
        refused("must be 8 to 32 characters long")
    } else if !has(|c| c.is_alphabetic()) || !has(|c| c.is_ascii_digit()) {
        refused("must hold at least one letter and one digit")
    } else if has(char::is_control) {
        refused("must hold no control characters")
    } else {
        Ok(())
    }
}

fn check_questions(questions: &[SecurityQuestion; 3]) -> Result<(), AccountError> {
    for (i, SecurityQuestion { question, answer }) in questions.iter().enumerate() {
        let is_bad = |text: &str| text.trim().is_empty() || text.len() > ANSWER_BYTES_MAX;
        if is_bad(question) || is_bad(answer) {
            return Err(AccountError::Question(i + 1, "question and answer must be 1 to 128 bytes long"));
        }
        if questions[..i].iter().any(|other| other.question == *question) {
            return Err(AccountError::Question(i + 1, "must differ from those before"));
        }
    }
    Ok(())
}

/// What is kept of a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Digest {
    salt: [u8; 16],
    bytes: [u8; 32],
}

impl Digest {
    fn of(secret: &str, rng: &mut ChaCha8Rng) -> Self {
        Digest::salted(secret, rng.random())
    }

    fn salted(secret: &str, salt: [u8; 16]) -> Self {
        // 4 MiB, 3 passes: what a small camera has to spare. A decision.
        let params = Params::new(4096, 3, 1, Some(32)).expect("within Argon2's bounds");
        let mut bytes = [0; 32];
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        argon2
            .hash_password_into(secret.as_bytes(), &salt, &mut bytes)
            .expect("salt and secret are of allowed lengths");
        Digest { salt, bytes }
    }

    fn is_of(&self, secret: &str) -> bool {
        Digest::salted(secret, self.salt) == *self
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    fn after(account: Option<&Account>, command: AccountCommand) -> Result<Account, AccountError> {
        Account::after(account, command, &mut ChaCha8Rng::seed_from_u64(1))
    }

    fn activate(password: &str) -> AccountCommand {
        AccountCommand::Activate { password: password.into(), privacy: PrivacyMode::Blur }
    }

    fn login(user_name: &str, password: &str) -> AccountCommand {
        AccountCommand::Login { user_name: user_name.into(), password: password.into() }
    }

    fn active() -> Account {
        after(None, activate("s3cretary")).expect("a password")
    }

    fn questions(answers: [&str; 3]) -> [SecurityQuestion; 3] {
        let mut preset = SECURITY_QUESTIONS.iter();
        answers.map(|answer| SecurityQuestion {
            question: (*preset.next().expect("there are twelve")).to_owned(),
            answer: answer.to_owned(),
        })
    }

    #[test]
    fn a_device_is_activated_once_and_then_knows_its_user() {
        let account = active();
        assert_eq!(account.privacy, PrivacyMode::Blur);
        assert_eq!(after(Some(&account), activate("an0ther-one")), Err(AccountError::AlreadyActive));
        assert_eq!(after(Some(&account), login("admin", "s3cretary")), Ok(account.clone()));
        for (user, password) in [("admin", "s3cretarY"), ("root", "s3cretary"), ("admin", "")] {
            assert_eq!(after(Some(&account), login(user, password)), Err(AccountError::WrongPassword));
        }
        assert_eq!(after(None, login("admin", "s3cretary")), Err(AccountError::NotActive));
    }

    #[test]
    fn passwords_are_as_the_guide_wants_them() {
        for password in ["a234567", &"a1".repeat(17), "abcdefgh", "12345678", "a1\u{7}bcdefg"] {
            assert!(
                matches!(after(None, activate(password)), Err(AccountError::Password { field: "password", .. })),
                "{password:?}"
            );
        }
        for password in ["a2345678", &"a1".repeat(16), "pässwört1"] {
            assert!(after(None, activate(password)).is_ok(), "{password:?}");
        }
    }

    #[test]
    fn another_password_takes_the_place_of_the_first() {
        let change = |password: &str, new_password: &str| AccountCommand::ChangePassword {
            password: password.into(),
            new_password: new_password.into(),
        };
        let account = active();
        assert_eq!(after(Some(&account), change("wrong-0ne", "n3w-password")), Err(AccountError::WrongPassword));
        assert!(matches!(
            after(Some(&account), change("s3cretary", "short")),
            Err(AccountError::Password { field: "new_password", .. })
        ));
        let changed = after(Some(&account), change("s3cretary", "n3w-password")).expect("changed");
        assert!(after(Some(&changed), login("admin", "n3w-password")).is_ok());
        assert_eq!(after(Some(&changed), login("admin", "s3cretary")), Err(AccountError::WrongPassword));
    }

    #[test]
    fn whoever_answers_all_three_questions_sets_another_password() {
        let recover = |answers: [&str; 3]| AccountCommand::Recover {
            answers: answers.map(str::to_owned),
            new_password: "rec0vered".into(),
        };
        let account = active();
        assert_eq!(after(Some(&account), recover(["a", "b", "c"])), Err(AccountError::NoQuestions));
        let set =
            |password: &str, questions| AccountCommand::SetSecurityQuestions { password: password.into(), questions };
        let answers = questions(["Otto", "chess", "Ida"]);
        assert_eq!(after(Some(&account), set("wrong-0ne", answers.clone())), Err(AccountError::WrongPassword));
        let account = after(Some(&account), set("s3cretary", answers.clone())).expect("set");
        assert_eq!(account.questions().expect("set")[1], "What's your favorite sport?");
        assert_eq!(after(Some(&account), recover(["otto", "Chess ", "eve"])), Err(AccountError::WrongAnswers));
        let account = after(Some(&account), recover(["otto", "Chess ", "ida"])).expect("recovered");
        assert!(after(Some(&account), login("admin", "rec0vered")).is_ok());

        let mut twice = answers.clone();
        twice[2].question = twice[0].question.clone();
        assert!(matches!(after(Some(&account), set("rec0vered", twice)), Err(AccountError::Question(3, _))));
        let mut empty = answers;
        empty[1].answer = "  ".into();
        assert!(matches!(after(Some(&account), set("rec0vered", empty)), Err(AccountError::Question(2, _))));
    }

    #[test]
    fn nothing_that_is_stored_tells_a_secret() {
        let stored = serde_json::to_string(&active()).expect("plain data");
        assert!(!stored.contains("s3cretary"), "{stored}");
    }

    #[test]
    fn a_list_of_questions_that_are_not_three_is_refused_so() {
        let read = |text: &str| {
            let command: Result<AccountCommand, _> = ron_file::RonFile::embedded("command", text).parse();
            command.map_err(|errors| errors.to_string())
        };
        let question = |number: usize| format!("(question: \"{number}?\", answer: \"a\")");
        let set = |count: usize| {
            let questions: Vec<String> = (1..=count).map(question).collect();
            read(&format!("SetSecurityQuestions(password: \"s3cretary\", questions: [{}])", questions.join(", ")))
        };
        assert!(
            matches!(set(3), Ok(AccountCommand::SetSecurityQuestions { questions, .. }) if questions[2].question == "3?")
        );
        for count in [0, 2, 4] {
            let words = set(count).expect_err("not three");
            assert!(words.ends_with(&format!("questions: must be three, not {count}")), "{words}");
        }
        let words = read("Recover(answers: [\"a\"], new_password: \"rec0vered\")").expect_err("one");
        assert!(words.ends_with("answers: must be three, not 1"), "{words}");
    }
}
