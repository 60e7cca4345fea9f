//! HTTP authentication: Basic (RFC 7617) or Digest (RFC 7616), whichever the server challenges with.
//!
//! Knows nothing of connections.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use digest_auth::{AuthContext, HttpMethod, WwwAuthenticateHeader};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Who the device says it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Credentials {
    pub user_name: String,
    pub password: String,
}

/// What a server wants to see.
#[derive(Debug)]
pub(super) enum Challenge {
    Basic,
    /// Counts the answers given to it, as servers ask.
    Digest(Box<WwwAuthenticateHeader>),
}

impl Challenge {
    /// The strongest of the challenges in the values of `WWW-Authenticate`; `None` when there is none that the device knows.
    pub fn strongest(values: &[&str]) -> Option<Self> {
        // Anything but ASCII is none, and the parser could not be trusted with it.
        let known: Vec<&str> =
            values.iter().filter(|value| value.is_ascii()).flat_map(|value| challenges(value)).collect();
        // The parser knows the scheme only as it is written most often.
        let mut digests = known.iter().filter_map(|challenge| of_scheme(challenge, "Digest"));
        let digest = digests.find_map(|parameters| digest_auth::parse(&format!("Digest {parameters}")).ok());
        let basic = || known.iter().any(|challenge| of_scheme(challenge, "Basic").is_some());
        digest.map(|digest| Challenge::Digest(Box::new(digest))).or_else(|| basic().then_some(Challenge::Basic))
    }

    /// Whether the server says that only the nonce of the last answer was too old (RFC 7616 §3.3): name and password may well be right.
    pub fn is_stale(&self) -> bool {
        matches!(self, Challenge::Digest(digest) if digest.stale)
    }

    /// The value of `Authorization` for a POST of `body` to `path`; `None` when the challenge cannot be answered.
    pub fn answer(
        &mut self,
        credentials: &Credentials,
        path: &str,
        body: &str,
        rng: &mut ChaCha8Rng,
    ) -> Option<String> {
        let Credentials { user_name, password } = credentials;
        match self {
            Challenge::Basic => Some(format!("Basic {}", STANDARD.encode(format!("{user_name}:{password}")))),
            Challenge::Digest(prompt) => {
                let body = Some(body.as_bytes());
                let mut context = AuthContext::new_with_method(user_name, password, path, body, HttpMethod::POST);
                context.set_custom_cnonce(format!("{:032x}", rng.random::<u128>()));
                let answer = prompt.respond(&context).ok()?.to_header_string();
                Some(in_ascii(answer, user_name))
            }
        }
    }
}

/// The challenges in one value, each with its scheme: commas separate them, and also the parameters in each (RFC 9110 §11.6.1).
fn challenges(value: &str) -> Vec<&str> {
    let is_of_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    let mut begins = Vec::new();
    let (mut in_quotes, mut is_escaped, mut is_new) = (false, false, true);
    for (i, c) in value.char_indices() {
        if is_new && c != ',' && !c.is_whitespace() {
            is_new = false;
            // A parameter has a value.
            let after = value[i..].trim_start_matches(is_of_token).trim_start();
            begins.extend((!after.starts_with('=')).then_some(i));
        }
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = in_quotes,
            '"' => in_quotes = !in_quotes,
            ',' => is_new |= !in_quotes,
            _ => {}
        }
    }
    let ends = begins.iter().skip(1).copied().chain([value.len()]);
    begins.iter().zip(ends).map(|(begin, end)| value[*begin..end].trim_end_matches([',', ' ', '\t'])).collect()
}

/// The parameters of a challenge, if it is of a scheme.
fn of_scheme<'c>(challenge: &'c str, scheme: &str) -> Option<&'c str> {
    let (found, parameters) = challenge.split_once(char::is_whitespace).unwrap_or((challenge, ""));
    found.eq_ignore_ascii_case(scheme).then(|| parameters.trim())
}

/// An answer whose user name may be other than ASCII, as it has to go out (RFC 7616 §3.4, `username*`).
fn in_ascii(answer: String, user_name: &str) -> String {
    if user_name.is_ascii() {
        return answer;
    }
    let quoted = user_name.replace('\\', "\\\\").replace('"', "\\\"");
    let encoded = utf8_percent_encode(user_name, NON_ALPHANUMERIC);
    answer.replacen(&format!("username=\"{quoted}\""), &format!("username*=UTF-8''{encoded}"), 1)
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    fn answer(challenges: &[&str]) -> Option<String> {
        let credentials = Credentials { user_name: "Mufasa".into(), password: "Circle Of Life".into() };
        let rng = &mut ChaCha8Rng::seed_from_u64(1);
        Challenge::strongest(challenges)?.answer(&credentials, "/dir/index.html", "{}", rng)
    }

    #[test]
    fn the_stronger_challenge_is_answered() {
        let digest = r#"Digest realm="a", qop="auth", nonce="n", opaque="o""#;
        for challenges in [
            &[r#"Basic realm="a""#, digest][..],
            &[digest],
            &[r#"Basic realm="a", Digest realm="a", nonce="n""#],
            &[r#"DIGEST realm="a, Basic", nonce="n""#],
            &[r#"Negotiate, digest realm="\", b", nonce="n", Digest realm="c", algorithm=X, Basic realm="d""#],
        ] {
            assert!(answer(challenges).is_some_and(|answer| answer.starts_with("Digest ")), "{challenges:?}");
        }
        assert_eq!(answer(&["basic realm=\"a\""]).as_deref(), Some("Basic TXVmYXNhOkNpcmNsZSBPZiBMaWZl"));
        for nonsense in [
            "",
            "Negotiate",
            "Digest",
            "Digest realm",
            "Digest nonce=\"ü\"",
            "Bearer x",
            "Bearer realm=\"x, basic\"",
            "basics",
        ] {
            assert_eq!(answer(&[nonsense]), None, "{nonsense}");
        }
    }

    #[test]
    fn an_answer_is_what_rfc_2617_says() {
        // The example of its §3.5, with a method and a client's nonce of ours.
        let prompt = r#"Digest realm="testrealm@host.com", qop="auth", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41""#;
        let answer = answer(&[prompt]).expect("a challenge");
        let field = |name: &str| {
            let begin = answer.find(&format!("{name}=")).expect(name) + name.len() + 1;
            answer[begin..].split(',').next().unwrap_or_default().trim_matches('"').to_owned()
        };
        let md5 = |text: String| digest_auth::Algorithm::default().hash_str(&text);
        let secret = md5("Mufasa:testrealm@host.com:Circle Of Life".into());
        let request = md5("POST:/dir/index.html".into());
        let expected = md5(format!("{secret}:{}:00000001:{}:auth:{request}", field("nonce"), field("cnonce")));
        assert_eq!((field("response"), field("nc"), field("username")), (expected, "00000001".into(), "Mufasa".into()));
        assert_eq!((field("opaque"), field("qop")), ("5ccc069c403ebaf9f0171e9517f40e41".into(), "auth".into()));
    }

    #[test]
    fn a_name_that_is_not_ascii_goes_out_encoded() {
        let credentials = Credentials { user_name: "Zoë \"Z\"".into(), password: "p".into() };
        let mut challenge = Challenge::strongest(&[r#"Digest realm="a", qop="auth", nonce="n""#]).expect("a challenge");
        let answer = challenge.answer(&credentials, "/", "{}", &mut ChaCha8Rng::seed_from_u64(1)).expect("an answer");
        assert!(
            answer.is_ascii() && answer.starts_with("Digest username*=UTF-8''Zo%C3%AB%20%22Z%22, realm="),
            "{answer}"
        );
    }
}
