//! The parts of a connection string, split where Node's driver splits it.

use url::form_urlencoded;

/// Undecoded but for the options. It has no `Debug`: it holds credentials.
pub struct Parts<'a> {
    pub is_srv: bool,
    pub user: Option<&'a str>,
    pub password: Option<&'a str>,
    pub hosts: &'a str,
    /// The name of the database, percent-encoded.
    pub path: Option<&'a str>,
    pub options: Vec<(String, String)>,
}

impl<'a> Parts<'a> {
    /// Fails with what is wrong, quoting nothing.
    pub fn split(text: &'a str) -> Result<Self, &'static str> {
        let (is_srv, rest) = match (
            text.strip_prefix("mongodb://"),
            text.strip_prefix("mongodb+srv://"),
        ) {
            (Some(rest), _) => (false, rest),
            (_, Some(rest)) => (true, rest),
            _ => return Err("must be a MongoDB connection string, mongodb://… or mongodb+srv://…"),
        };
        let (user, password, rest) = match rest.split_once('@') {
            None => (None, None, rest),
            Some((who, rest)) => match who.split_once(':') {
                Some((user, password)) => (Some(user), Some(password), rest),
                None => (Some(who), None, rest),
            },
        };
        let (server, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (hosts, path) = match server.split_once('/') {
            Some((hosts, path)) => (hosts, Some(path)),
            None => (server, None),
        };
        let is_reserved = |text: Option<&str>| {
            text.is_some_and(|text| text.contains([':', '/', '?', '#', '[', ']']))
        };
        if user == Some("") || is_reserved(user) || is_reserved(password) || hosts.contains('@') {
            return Err(
                "must have user and password percent-encoded, as in mongodb://user:p%40ss@host",
            );
        }
        let query = query.split('#').next().unwrap_or_default();
        Ok(Self {
            is_srv,
            user,
            password,
            hosts,
            path: path
                .and_then(|path| path.split('#').next())
                .filter(|path| !path.is_empty()),
            options: form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect(),
        })
    }
}
