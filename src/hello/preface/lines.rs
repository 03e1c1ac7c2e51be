//! Dialogues of text lines in which a command asks for TLS: mail, news, files, chat.
//!
//! A client that has logged in or begun to send its message asks for TLS no more, so that such a command
//! ends the wait, and nothing in a message is ever taken for a command.

use crate::hello::preface::row::{Memory, Preface, Step, line};

/// Longest line, in bytes with its end. RFC 5321 §4.5.3.1.4 has 512, extensions more.
const MAX_LINE: usize = 2048;
/// Longest tag of a command (RFC 9051 §2.2.1 gives no limit; clients count).
const MAX_TAG: usize = 16;

/// A protocol of lines.
pub(super) struct Lines {
    name: &'static str,
    /// A word of the client's choice stands ahead of each command.
    tagged: bool,
    /// Commands that ask for TLS, whole.
    asks: &'static [&'static str],
    /// First words of commands that may stand ahead of those.
    talks: &'static [&'static str],
    /// What the server's first line begins with.
    greetings: &'static [&'static str],
}

/// RFC 3207.
pub(super) static SMTP: Lines = Lines {
    name: "smtp",
    tagged: false,
    asks: &["STARTTLS"],
    talks: &["EHLO", "HELO", "NOOP", "RSET", "HELP", "XCLIENT", "XFORWARD"],
    greetings: &["220 ", "220-"],
};

/// RFC 2033, where it is not SMTP's words.
pub(super) static LMTP: Lines = Lines {
    name: "lmtp",
    tagged: false,
    asks: &["STARTTLS"],
    talks: &["LHLO", "NOOP", "RSET", "HELP"],
    // SMTP's, which is what it is called where no `LHLO` was seen
    greetings: &[],
};

/// RFC 9051 §6.2.1.
pub(super) static IMAP: Lines = Lines {
    name: "imap",
    tagged: true,
    asks: &["STARTTLS"],
    talks: &["CAPABILITY", "NOOP", "ID"],
    greetings: &["* OK"],
};

/// RFC 2595 §4.
pub(super) static POP3: Lines = Lines {
    name: "pop3",
    tagged: false,
    asks: &["STLS"],
    talks: &["CAPA", "NOOP", "LANG", "UTF8"],
    greetings: &["+OK"],
};

/// RFC 4217; `SSL` and the two `TLS-` are older.
pub(super) static FTP: Lines = Lines {
    name: "ftp",
    tagged: false,
    asks: &["AUTH TLS", "AUTH SSL", "AUTH TLS-C", "AUTH TLS-P"],
    talks: &["FEAT", "SYST", "NOOP", "HELP", "OPTS", "CLNT", "HOST", "PBSZ", "PROT", "USER", "AUTH"],
    greetings: &["220 ", "220-", "120 "],
};

/// RFC 4642.
pub(super) static NNTP: Lines = Lines {
    name: "nntp",
    tagged: false,
    asks: &["STARTTLS"],
    talks: &["CAPABILITIES", "MODE", "HELP", "DATE"],
    greetings: &["200 ", "201 ", "382 "],
};

/// RFC 5804 §2.2.
pub(super) static SIEVE: Lines = Lines {
    name: "sieve",
    tagged: false,
    asks: &["STARTTLS"],
    talks: &["CAPABILITY", "NOOP"],
    greetings: &["\"IMPLEMENTATION\"", "\"SIEVE\"", "\"VERSION\"", "OK"],
};

/// `STARTTLS` of several networks, and `tls` of the capabilities of version 3.
pub(super) static IRC: Lines = Lines {
    name: "irc",
    tagged: false,
    asks: &["STARTTLS"],
    talks: &["CAP", "NICK", "USER", "PASS", "PING", "PONG"],
    greetings: &["NOTICE ", ":"],
};

/// How far a line agrees with a command.
#[derive(PartialEq, Eq)]
enum Fit {
    Yes,
    SoFar,
    No,
}

impl Lines {
    /// What follows the tag, where there is one.
    fn untagged<'b>(&self, text: &'b [u8]) -> Result<&'b [u8], Step> {
        if !self.tagged {
            return Ok(text);
        }
        let tag = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-".contains(byte);
        let len = text.iter().take(MAX_TAG + 1).take_while(|byte| tag(byte)).count();
        match text.get(len) {
            None if len <= MAX_TAG => Err(Step::More),
            Some(b' ') if (1..=MAX_TAG).contains(&len) => Ok(text.get(len + 1..).unwrap_or_default()),
            _ => Err(Step::No),
        }
    }

    /// True if a line that is not whole may become a command.
    fn may_be(&self, text: &[u8]) -> bool {
        let mut commands = self.asks.iter().chain(self.talks);
        commands.any(|command| first_word(text, command) != Fit::No)
    }

    fn whole(&self, command: &[u8], len: usize) -> Step {
        if self.asks.iter().any(|ask| command.trim_ascii_end().eq_ignore_ascii_case(ask.as_bytes())) {
            return Step::Ask(len);
        }
        let talks = self.talks.iter().any(|talk| first_word(command, talk) == Fit::Yes);
        if talks { Step::Take(len) } else { Step::No }
    }
}

/// Compares the beginning of a line with a command, without case.
fn first_word(text: &[u8], command: &str) -> Fit {
    let len = text.len().min(command.len());
    let same = match (text.get(..len), command.as_bytes().get(..len)) {
        (Some(text), Some(command)) => text.eq_ignore_ascii_case(command),
        _ => false,
    };
    match text.get(command.len()) {
        _ if !same => Fit::No,
        None if text.len() < command.len() => Fit::SoFar,
        None | Some(b' ' | b'\r') => Fit::Yes,
        Some(_) => Fit::No,
    }
}

impl Preface for Lines {
    fn name(&self) -> &'static str {
        self.name
    }

    fn step(&self, _: &mut Memory, bytes: &[u8]) -> Step {
        match line(bytes, MAX_LINE) {
            Ok((text, len)) => match self.untagged(text) {
                Ok(command) => self.whole(command, len),
                Err(_) => Step::No,
            },
            Err(Step::More) => match self.untagged(bytes) {
                Ok(command) if self.may_be(command) => Step::More,
                Ok(_) => Step::No,
                Err(step) => step,
            },
            Err(step) => step,
        }
    }

    fn greets(&self, bytes: &[u8]) -> bool {
        let greeting = |start: &&str| bytes.starts_with(start.as_bytes());
        match self.greetings.iter().find(|start| greeting(start)) {
            // a line of IRC from a named server: `:irc.example NOTICE * :…`; 670 is the answer to `STARTTLS`
            Some(&":") => {
                let word = bytes.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
                [&b"NOTICE"[..], b"CAP", b"670"].contains(&word)
            }
            found => found.is_some(),
        }
    }

    fn reply(&self, bytes: &[u8]) -> Step {
        line(bytes, MAX_LINE).map_or_else(|step| step, |(_, len)| Step::Take(len))
    }
}
