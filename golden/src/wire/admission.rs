//! Whom an HTTP receiver lets in: Basic (RFC 7617) and Digest (RFC 7616, with MD5) as a server judges them.
//!
//! Knows nothing of how a device makes its answers.

use std::collections::BTreeMap;
use std::sync::Mutex;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};

/// Whom a receiver lets in, and how they have to say so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Admits {
    /// The name and the password as they are.
    Basic {
        /// The name.
        user_name: String,
        /// The password.
        password: String,
    },
    /// A proof that one knows both.
    Digest {
        /// The name.
        user_name: String,
        /// The password.
        password: String,
    },
}

const REALM: &str = "reports";

/// Requests that a nonce is good for, so that devices must cope with another.
const NONCE_REQUESTS: u32 = 8;

/// Nonces that are good at one time, the newest: connections that are asked at once do not take theirs from each other.
const NONCES_MAX: usize = 64;

/// A door with its keeper, who remembers what was asked.
pub(super) struct Door {
    admits: Admits,
    asked: Mutex<Asked>,
}

#[derive(Default)]
struct Asked {
    /// Nonces so far.
    nonces: u64,
    /// Of those that are good, the highest count that was used with each.
    used: BTreeMap<u64, u32>,
}

impl Asked {
    /// Takes a count of a nonce; `false` when that is not good any more.
    fn take(&mut self, nonce: &str, count: u32) -> bool {
        let number = nonce.strip_prefix("nonce-").and_then(|number| number.parse().ok());
        let Some(used) = number.and_then(|number: u64| self.used.get_mut(&number)) else { return false };
        // Counts that were used already are somebody's who listened.
        let is_good = count > *used && count <= NONCE_REQUESTS;
        if is_good {
            *used = count;
        }
        is_good
    }

    fn give(&mut self) -> String {
        self.nonces += 1;
        self.used.insert(self.nonces, 0);
        if self.used.len() > NONCES_MAX {
            self.used.pop_first();
        }
        format!("nonce-{}", self.nonces)
    }
}

impl Door {
    pub fn new(admits: Admits) -> Self {
        Door { admits, asked: Mutex::default() }
    }

    /// Judges what came with a request: `Err` with the value of `WWW-Authenticate` for whoever is not let in.
    pub fn judge(&self, method: &str, path: &str, authorization: Option<&str>) -> Result<(), String> {
        match &self.admits {
            Admits::Basic { user_name, password } => {
                let expected = format!("Basic {}", STANDARD.encode(format!("{user_name}:{password}")));
                let is_let_in = authorization == Some(&expected);
                if is_let_in { Ok(()) } else { Err(format!("Basic realm=\"{REALM}\", charset=\"UTF-8\"")) }
            }
            Admits::Digest { user_name, password } => {
                let mut asked = self.asked.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
                let answer = authorization.and_then(|value| value.strip_prefix("Digest ")).map(parameters);
                let proof = answer.as_ref().and_then(|answer| proof(answer, (user_name, password), (method, path)));
                if proof.is_some_and(|(nonce, count)| asked.take(nonce, count)) {
                    return Ok(());
                }
                let stale = if proof.is_some() { ", stale=true" } else { "" };
                let nonce = asked.give();
                Err(format!("Digest realm=\"{REALM}\", qop=\"auth\", algorithm=MD5, nonce=\"{nonce}\"{stale}"))
            }
        }
    }
}

/// The nonce and the count of an answer that proves the password; `None` for any other.
fn proof<'a>(
    answer: &'a BTreeMap<String, String>,
    (user_name, password): (&str, &str),
    (method, path): (&str, &str),
) -> Option<(&'a str, u32)> {
    let field = |name: &str| answer.get(name).map(String::as_str);
    let (nonce, count, qop) = (field("nonce")?, field("nc")?, field("qop")?);
    let secret = md5(&format!("{user_name}:{REALM}:{password}"));
    let request = md5(&format!("{method}:{path}"));
    let expected = md5(&format!("{secret}:{nonce}:{count}:{}:{qop}:{request}", field("cnonce")?));
    // RFC 7616 §3.4: a name that is not ASCII.
    let encoded = field("username*").and_then(|name| name.strip_prefix("UTF-8''"));
    let encoded = encoded.and_then(|name| percent_decode_str(name).decode_utf8().ok());
    let names = (encoded.as_deref().or(field("username"))?, field("realm")?, field("uri")?, qop, field("response")?);
    let is_proof = names == (user_name, REALM, path, "auth", expected.as_str());
    is_proof.then_some((nonce, u32::from_str_radix(count, 16).ok()?))
}

fn md5(text: &str) -> String {
    Md5::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Names and values, quoted or not, that commas separate.
fn parameters(text: &str) -> BTreeMap<String, String> {
    let (mut in_quotes, mut is_escaped) = (false, false);
    let parts = text.split(|c| {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = in_quotes,
            '"' => in_quotes = !in_quotes,
            _ => {}
        }
        c == ',' && !in_quotes
    });
    let pairs = parts.filter_map(|part| part.trim().split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), unquoted(value))).collect()
}

/// A value without its quotes and the backslashes in them.
fn unquoted(value: &str) -> String {
    let Some(inner) = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')) else {
        return value.to_owned();
    };
    let mut is_escaped = false;
    let is_text = |c: &char| {
        is_escaped = *c == '\\' && !is_escaped;
        !is_escaped
    };
    inner.chars().filter(is_text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest() -> Door {
        Door::new(Admits::Digest { user_name: "sensor".into(), password: "s3cret".into() })
    }

    fn answer(password: &str, nonce: &str, count: u32, path: &str) -> String {
        let secret = md5(&format!("sensor:{REALM}:{password}"));
        let response = md5(&format!("{secret}:{nonce}:{count:08x}:c:auth:{}", md5(&format!("POST:{path}"))));
        format!(
            "Digest username=\"sensor\", realm=\"{REALM}\", nonce=\"{nonce}\", uri=\"{path}\", qop=auth, nc={count:08x}, \
             cnonce=\"c\", response=\"{response}\""
        )
    }

    #[test]
    fn who_proves_to_know_the_password_comes_in_once_with_each_count() {
        let door = digest();
        let judge = |authorization: Option<&str>| door.judge("POST", "/x?a=b,c", authorization);
        assert!(judge(None).is_err_and(|asks| asks.contains("nonce=\"nonce-1\"") && !asks.contains("stale")));
        assert_eq!(judge(Some(&answer("s3cret", "nonce-1", 1, "/x?a=b,c"))), Ok(()));
        assert_eq!(judge(Some(&answer("s3cret", "nonce-1", 2, "/x?a=b,c"))), Ok(()));
        let again = judge(Some(&answer("s3cret", "nonce-1", 2, "/x?a=b,c")));
        assert!(again.is_err_and(|asks| asks.contains("nonce=\"nonce-2\", stale=true")));
        let wrong = judge(Some(&answer("secret", "nonce-2", 1, "/x?a=b,c")));
        assert!(wrong.is_err_and(|asks| asks.contains("nonce-3") && !asks.contains("stale")));
        assert!(judge(Some(&answer("s3cret", "nonce-3", 1, "/y"))).is_err(), "for another path");
        assert!(judge(Some("Digest")).is_err() && judge(Some("Basic c2Vuc29yOnMzY3JldA==")).is_err());
    }

    #[test]
    fn connections_that_are_asked_at_once_do_not_take_their_nonces_from_each_other() {
        let door = digest();
        for _ in 0..NONCES_MAX + 1 {
            assert!(door.judge("POST", "/", None).is_err());
        }
        let judge = |nonce: &str, count: u32| door.judge("POST", "/", Some(&answer("s3cret", nonce, count, "/")));
        assert!(judge("nonce-1", 1).is_err_and(|asks| asks.contains("stale=true")), "there is an end to it");
        let answers = [("nonce-9", 1), ("nonce-3", 1), ("nonce-9", 2), ("nonce-3", 2)];
        assert!(answers.iter().all(|(nonce, count)| judge(nonce, *count).is_ok()));
        assert!(judge("nonce-9", 2).is_err_and(|asks| asks.contains("stale=true")), "used already");
    }

    #[test]
    fn a_nonce_is_good_for_so_many_requests() {
        let door = digest();
        let _ = door.judge("POST", "/", None);
        let let_in = (1..20)
            .take_while(|count| door.judge("POST", "/", Some(&answer("s3cret", "nonce-1", *count, "/"))).is_ok());
        assert_eq!(let_in.count(), NONCE_REQUESTS as usize);
    }

    #[test]
    fn values_are_as_they_were_before_they_were_quoted() {
        let read = parameters(r#"username="m\"x, \\y", nc=00000001, realm = "a""#);
        assert_eq!((read["username"].as_str(), read["nc"].as_str()), (r#"m"x, \y"#, "00000001"));
    }

    #[test]
    fn a_name_that_is_not_ascii_comes_encoded() {
        let door = Door::new(Admits::Digest { user_name: "Zoë".into(), password: "s3cret".into() });
        assert!(door.judge("POST", "/", None).is_err());
        let secret = md5(&format!("Zoë:{REALM}:s3cret"));
        let response = md5(&format!("{secret}:nonce-1:00000001:c:auth:{}", md5("POST:/")));
        let answer = format!(
            "Digest username*=UTF-8''Zo%C3%AB, realm=\"{REALM}\", nonce=\"nonce-1\", uri=\"/\", qop=auth, nc=00000001, \
             cnonce=\"c\", response=\"{response}\""
        );
        assert_eq!(door.judge("POST", "/", Some(&answer)), Ok(()));
    }

    #[test]
    fn basic_takes_the_name_and_the_password() {
        let door = Door::new(Admits::Basic { user_name: "sensor".into(), password: "s3cret".into() });
        assert_eq!(door.judge("POST", "/", Some("Basic c2Vuc29yOnMzY3JldA==")), Ok(()));
        assert!(
            door.judge("POST", "/", Some("Basic c2Vuc29yOnNlY3JldA==")).is_err_and(|asks| asks.starts_with("Basic"))
        );
        assert!(door.judge("POST", "/", None).is_err());
    }
}
