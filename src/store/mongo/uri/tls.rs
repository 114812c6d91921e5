//! TLS options of a connection string. With Node's driver they have an effect only where TLS is on.

use super::options::Options;

const FILE: &str = "tlsCAFile";
const ANY_CERTIFICATE: &str = "tlsAllowInvalidCertificates";
const ANY_NAME: &str = "tlsAllowInvalidHostnames";
const INSECURE: &str = "tlsInsecure";

pub struct Trust {
    /// Whether TLS is on and those are trusted whom the process trusts.
    pub is_of_process: bool,
    /// Options that have no effect, since TLS is off.
    pub without_effect: Vec<&'static str>,
}

/// Replaces the TLS options by those that our driver understands in the same way.
pub fn resolve(options: &mut Options, is_srv: bool) -> Result<Trust, String> {
    let is_on = is_on(options, is_srv)?;
    if !is_on {
        let idle = options.extract_if(.., |name, _| name.starts_with("tls"));
        let idle = idle.filter(|(_, value)| value != "false");
        let without_effect = idle.map(|(name, _)| name).collect();
        if is_srv {
            options.insert("tls", "false".to_owned());
        }
        return Ok(Trust {
            is_of_process: false,
            without_effect,
        });
    }
    let is_lax = accepts_any_certificate(options)?;
    options.insert("tls", "true".to_owned());
    options.insert(ANY_CERTIFICATE, is_lax.to_string());
    Ok(Trust {
        is_of_process: !is_lax && !options.contains_key(FILE),
        without_effect: Vec::new(),
    })
}

fn is_on(options: &mut Options, is_srv: bool) -> Result<bool, String> {
    match (take(options, "tls"), take(options, "ssl")) {
        (Some(tls), Some(ssl)) if tls != ssl => {
            Err("the options tls and ssl contradict each other".to_owned())
        }
        (tls, ssl) => Ok(tls.or(ssl).unwrap_or(is_srv)),
    }
}

fn accepts_any_certificate(options: &mut Options) -> Result<bool, String> {
    let insecure = take(options, INSECURE);
    let certificates = take(options, ANY_CERTIFICATE);
    let names = take(options, ANY_NAME);
    if insecure.is_some() && (certificates.is_some() || names.is_some()) {
        return Err(format!(
            "the option {INSECURE} stands for {ANY_CERTIFICATE} and {ANY_NAME}: give it without them"
        ));
    }
    let accepts_any = insecure == Some(true) || certificates == Some(true);
    // Where no certificate is looked at, its name is not either.
    if names == Some(true) && !accepts_any {
        return Err(format!(
            "the option {ANY_NAME} cannot be honoured: use a certificate that names the host, or a host \
             that the certificate names"
        ));
    }
    Ok(accepts_any)
}

fn take(options: &mut Options, name: &str) -> Option<bool> {
    options.remove(name).map(|value| value == "true")
}
