//! A line with an SSH public key: alone, or as OpenSSH's `allowed_signers` has it.

use super::key::KeyError;
use ssh_key::PublicKey;

/// The key of a line, and the namespaces for which the line allows it.
pub(super) fn parse(line: &str) -> Result<(PublicKey, Option<String>), KeyError> {
    // The key is first, or behind the principals, or behind these and options.
    let (principals, behind) = split_word(line);
    let (options, last) = split_word(behind);
    let mut error = KeyError::NoKey;
    for (options, rest) in [("", line), ("", behind), (options, last)] {
        if !["ssh-", "ecdsa-", "sk-"]
            .iter()
            .any(|start| rest.starts_with(start))
        {
            continue;
        }
        match rest.replace('\t', " ").parse::<PublicKey>() {
            Ok(key) => return Ok((key, namespaces(options)?)),
            Err(found) => error = KeyError::of(&found),
        }
    }
    match principals.is_empty() {
        true => Err(KeyError::NoKey),
        false => Err(error),
    }
}

/// The namespaces in a list of options.
fn namespaces(mut options: &str) -> Result<Option<String>, KeyError> {
    let mut namespaces = None;
    while !options.is_empty() {
        let end = end_of(options, |c| c == ',');
        let (option, rest) = options.split_at(end);
        options = rest.strip_prefix(',').unwrap_or(rest);
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        match name.to_ascii_lowercase().as_str() {
            "namespaces" => namespaces = Some(value.trim_matches('"').to_owned()),
            "valid-after" | "valid-before" => return Err(KeyError::TimeSpan),
            "cert-authority" => return Err(KeyError::Authority),
            _ => return Err(KeyError::Option(name.into())),
        }
    }
    Ok(namespaces)
}

/// The first word of a line and what follows it. A word may have spaces between quotes.
fn split_word(line: &str) -> (&str, &str) {
    let (word, rest) = line.split_at(end_of(line, |c| c == ' ' || c == '\t'));
    (word, rest.trim_start())
}

/// Where the first of these characters is outside of quotes, or the end.
fn end_of(text: &str, is_end: impl Fn(char) -> bool) -> usize {
    let mut quoted = false;
    let end = text.char_indices().find(|(_, c)| {
        quoted ^= *c == '"';
        !quoted && is_end(*c)
    });
    end.map_or(text.len(), |(at, _)| at)
}

/// Whether a list of patterns, as `namespaces` has it, allows a name. `*` stands for any
/// characters, `?` for one, and a pattern behind `!` forbids.
pub(super) fn allows(patterns: &str, name: &str) -> bool {
    let mut allowed = false;
    for pattern in patterns.split(',') {
        match pattern.strip_prefix('!') {
            Some(forbidden) if matches(forbidden.as_bytes(), name.as_bytes()) => return false,
            Some(_) => {}
            None => allowed |= matches(pattern.as_bytes(), name.as_bytes()),
        }
    }
    allowed
}

/// Whether a pattern matches a whole name. Each `*` is tried at the last place only that a
/// match reached, so the time is at most the product of the two lengths.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut star = None;
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(c) if *c == b'?' || *c == name[n] => {
                p += 1;
                n += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    p = at + 1;
                    n = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti";

    #[test]
    fn a_key_stands_alone_or_behind_principals_and_options() {
        let key: ssh_key::PublicKey = KEY.parse().unwrap();
        for (line, namespaces) in [
            (KEY.to_owned(), None),
            (KEY.replace(' ', "\t"), None),
            (format!("ssh-me {KEY}"), None),
            (format!("me namespaces=\"git\" {KEY}"), Some("git")),
            (format!("{KEY} me@home"), None),
            (format!("me@home {KEY}"), None),
            (format!("\"a b\",c {KEY}"), None),
            (
                format!("me@home namespaces=\"git,a b\" {KEY} words"),
                Some("git,a b"),
            ),
        ] {
            let (found, names) = parse(&line).unwrap();
            assert_eq!(found.key_data(), key.key_data(), "{line}");
            assert_eq!(names.as_deref(), namespaces, "{line}");
        }
        for (line, error) in [
            (format!("me cert-authority {KEY}"), KeyError::Authority),
            (
                format!("me valid-before=\"2027\" {KEY}"),
                KeyError::TimeSpan,
            ),
            (
                format!("me no-pty {KEY}"),
                KeyError::Option("no-pty".into()),
            ),
            ("me".into(), KeyError::NoKey),
        ] {
            assert_eq!(parse(&line).unwrap_err(), error, "{line}");
        }
    }

    #[test]
    fn namespaces_are_patterns() {
        for (patterns, name, allowed) in [
            ("git", "git", true),
            ("git", "burn-pow/head/v1", false),
            ("git,burn-pow/*", "burn-pow/head/v1", true),
            ("*,!burn-pow/*", "burn-pow/head/v1", false),
            ("burn-pow/?ead/v1", "burn-pow/head/v1", true),
            ("*h*d*1", "burn-pow/head/v1", true),
            ("*h*d*2", "burn-pow/head/v1", false),
            ("", "burn-pow/head/v1", false),
        ] {
            assert_eq!(allows(patterns, name), allowed, "{patterns} {name}");
        }
    }
}
