//! Mail: one message in plain text, to one person, through the operator's mail server.

use std::fmt;
use std::time::Duration;

use anyhow::{Context as _, Result};
use claviger_service::outbound::{Mail, SendError};
use lettre::message::Mailbox as Address;
use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue};
use lettre::transport::smtp::authentication::Credentials;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use url::Url;

/// The longest that one command may take.
const COMMAND: Duration = Duration::from_secs(20);
/// How long one message may take in all. Shorter than a claim on it lasts.
const WHOLE: Duration = Duration::from_secs(45);

/// How mail is sent, as the operator says it. `Debug` shows no password.
#[derive(Clone, PartialEq, Eq)]
pub struct Mailbox {
    /// `smtps://user:password@host`, `smtp://host?tls=required`, `smtp://host`.
    pub url: Url,
    /// The password, when it does not stand in the URL.
    pub password: Option<String>,
    /// The sender.
    pub from: Address,
}

/// Says that no person wrote it, so that nobody's absence is told to us (RFC 3834 §5).
#[derive(Clone)]
struct AutoSubmitted;

/// The client.
pub(super) struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Address,
}

// === impl Mailbox ===

impl Mailbox {
    /// Reads the address of a mail server: one of SMTP, with a host.
    pub fn parse_url(text: &str) -> Option<Url> {
        let url = Url::parse(text).ok()?;
        let tls = url.query_pairs().find(|(name, _)| name == "tls");
        let is_known = match (url.scheme(), tls.as_ref().map(|(_, value)| value.as_ref())) {
            ("smtps", None) => true,
            ("smtp", tls) => matches!(tls, None | Some("required" | "opportunistic")),
            _ => false,
        };
        (is_known && url.has_host()).then_some(url)
    }

    /// True when a password would be sent for anybody on the way to read.
    pub fn exposes_password(&self) -> bool {
        let is_open = self.url.scheme() == "smtp"
            && !self
                .url
                .query()
                .is_some_and(|query| query.contains("tls=required"));
        let has_password = self.password.is_some() || self.url.password().is_some();
        let is_near = matches!(self.url.host_str(), Some("127.0.0.1" | "[::1]" | "localhost"));
        is_open && has_password && !is_near
    }
}

impl fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailbox")
            .field("host", &self.url.host_str())
            .field("from", &self.from)
            .finish_non_exhaustive()
    }
}

// === impl Mailer ===

impl Mailer {
    /// A client of this mail server.
    ///
    /// # Errors
    /// When its address makes no sense, or the machine has no certificates to trust.
    pub(super) fn new(mailbox: &Mailbox) -> Result<Self> {
        let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(mailbox.url.as_str())
            .context("`mail.smtp_url` makes no sense")?
            .timeout(Some(COMMAND));
        let builder = match &mailbox.password {
            Some(password) => {
                let user = mailbox.url.username();
                let user = percent_decoded(user).unwrap_or_else(|| user.to_owned());
                builder.credentials(Credentials::new(user, password.clone()))
            }
            None => builder,
        };
        Ok(Self {
            transport: builder.build(),
            from: mailbox.from.clone(),
        })
    }

    /// Hands a message to the mail server.
    ///
    /// # Errors
    /// A reason without the person's address.
    pub(super) async fn send(&self, mail: Mail) -> Result<(), SendError> {
        let to = mail
            .to
            .parse()
            .map_err(|_| SendError("the person's address cannot be mailed to".to_owned()))?;
        let domain = self.from.email.domain();
        let message = Message::builder()
            .from(self.from.clone())
            .to(Address::new(None, to))
            // One line, whatever a name holds.
            .subject(mail.subject.replace(|letter: char| letter.is_control(), " "))
            // The same at every try, so that a repeated message can be told by it.
            .message_id(Some(format!("<{}@{domain}>", mail.id)))
            .header(AutoSubmitted)
            .header(ContentType::TEXT_PLAIN)
            .body(mail.text)
            .map_err(|_| SendError("the message could not be written".to_owned()))?;
        // The transport bounds the connection only; whoever is silent afterwards is left, before the try is claimed anew.
        let Ok(sent) = tokio::time::timeout(WHOLE, self.transport.send(message)).await else {
            return Err(SendError("the mail server did not answer in time".to_owned()));
        };
        match sent {
            Ok(_) => Ok(()),
            Err(error) => Err(SendError(match error.status() {
                Some(status) => format!("the mail server answered {status}"),
                None if error.is_timeout() => "the mail server did not answer in time".to_owned(),
                None => "the mail server could not be reached".to_owned(),
            })),
        }
    }
}

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

/// The user of a URL as it is meant: there `@` is written `%40`.
fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let escaped = after.split_at_checked(2).filter(|_| *first == b'%');
        rest = match escaped {
            Some((digits, after)) => {
                bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
                after
            }
            None => {
                bytes.push(*first);
                after
            }
        };
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_server_is_named_by_an_smtp_url() {
        for (text, is_one) in [
            ("smtps://ada:secret@mail.example.org", true),
            ("smtp://mail.example.org:587?tls=required", true),
            ("smtp://127.0.0.1:25", true),
            ("smtp://mail.example.org?tls=none", false),
            ("https://mail.example.org", false),
            ("mail.example.org", false),
        ] {
            assert_eq!(Mailbox::parse_url(text).is_some(), is_one, "{text}");
        }
    }

    #[test]
    fn a_password_is_not_sent_in_the_open() {
        let exposes = |url: &str, password: Option<&str>| {
            let mailbox = Mailbox {
                url: Mailbox::parse_url(url).unwrap(),
                password: password.map(str::to_owned),
                from: "claviger@example.org".parse().unwrap(),
            };
            assert!(!format!("{mailbox:?}").contains("secret"));
            mailbox.exposes_password()
        };

        assert!(exposes("smtp://ada:secret@mail.example.org", None));
        assert!(exposes(
            "smtp://ada@mail.example.org?tls=opportunistic",
            Some("secret")
        ));
        assert!(!exposes("smtp://ada:secret@127.0.0.1", None));
        assert!(!exposes("smtps://ada:secret@mail.example.org", None));
        assert!(!exposes("smtp://ada:secret@mail.example.org?tls=required", None));
        assert!(!exposes("smtp://mail.example.org", None));
    }

    #[test]
    fn a_user_is_read_as_it_is_meant() {
        assert_eq!(
            percent_decoded("ada%40example.org").as_deref(),
            Some("ada@example.org")
        );
        assert_eq!(percent_decoded("100%"), Some("100%".to_owned()));
        assert_eq!(percent_decoded("a%zz"), None);
    }
}
