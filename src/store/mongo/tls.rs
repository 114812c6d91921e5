//! TLS options of a client. The host may hold certificates in memory only, where our driver reads files:
//! such certificates are written to files that only their owner may read and that are deleted as soon as
//! the client is made.

use std::io::Write;
use std::path::PathBuf;

use mongodb::options::{ClientOptions, Tls, TlsOptions};
use serde::Deserialize;
use tempfile::{NamedTempFile, TempPath};

use crate::store::error::{Result, StoreError};

#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AdoptedTls {
    pub ca_file: Option<PathBuf>,
    /// Certificates of the authorities as PEM text.
    pub ca: Option<String>,
    pub certificate_key_file: Option<PathBuf>,
    /// The client's certificate and its key, not encrypted, as PEM text.
    pub certificate_key: Option<String>,
    pub allow_invalid_certificates: bool,
}

impl AdoptedTls {
    /// `files` must be kept until the client is made.
    pub(super) fn options(&self, files: &mut Vec<TempPath>) -> Result<Tls> {
        let mut options = TlsOptions::default();
        options.ca_file_path = file(self.ca.as_deref(), self.ca_file.as_ref(), files)?;
        options.cert_key_file_path = file(
            self.certificate_key.as_deref(),
            self.certificate_key_file.as_ref(),
            files,
        )?;
        options.allow_invalid_certificates = Some(self.allow_invalid_certificates);
        Ok(Tls::Enabled(options))
    }
}

/// Lets a client that uses TLS trust these authorities, in PEM, unless its options name a file of others.
pub(super) fn trust(
    options: &mut ClientOptions,
    authorities: &str,
    files: &mut Vec<TempPath>,
) -> Result<()> {
    if let Some(Tls::Enabled(tls)) = &mut options.tls
        && tls.ca_file_path.is_none()
    {
        tls.ca_file_path = file(Some(authorities), None, files)?;
    }
    Ok(())
}

/// A new file with the text if there is one, else the given file.
fn file(
    text: Option<&str>,
    path: Option<&PathBuf>,
    files: &mut Vec<TempPath>,
) -> Result<Option<PathBuf>> {
    let Some(text) = text else {
        return Ok(path.cloned());
    };
    let written = NamedTempFile::new().and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.flush()?;
        Ok(file.into_temp_path())
    });
    let written = written.map_err(|error| {
        StoreError::transient(format!(
            "certificates cannot be written to a temporary file, which the driver reads them from: \
             {error}; let this process write to its folder of temporary files (TMPDIR)"
        ))
    })?;
    let path = written.to_path_buf();
    files.push(written);
    Ok(Some(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_readable_as_long_as_its_file_is_kept_and_by_nobody_else() {
        let tls = AdoptedTls {
            ca: Some("authority".to_owned()),
            certificate_key_file: Some("client.pem".into()),
            ..AdoptedTls::default()
        };
        let mut files = Vec::new();
        let Ok(Tls::Enabled(options)) = tls.options(&mut files) else {
            panic!("TLS is on");
        };
        assert_eq!(options.cert_key_file_path, Some("client.pem".into()));
        let path = options.ca_file_path.expect("a file");
        assert_eq!(
            std::fs::read_to_string(&path).ok().as_deref(),
            Some("authority")
        );
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(&path)
                .expect("there")
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        drop(files);
        assert!(!path.exists());
    }
}
