//! TLS of requests: they trust the authorities that the host's own connections trust.

use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

pub enum Tls {
    /// Plain `http`, which needs no authorities.
    Unused,
    /// The authorities in the PEM text, or without one those that Node.js brings along: the list of Mozilla.
    Trusting(Option<Arc<str>>),
}

impl Tls {
    pub(super) fn client(&self) -> ClientConfig {
        // Fails only when another provider is installed already, which serves as well.
        let _ = ring::default_provider().install_default();
        let builder = ClientConfig::builder().with_root_certificates(self.roots());
        builder.with_no_client_auth()
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        match self {
            Tls::Unused => {}
            Tls::Trusting(Some(pem)) => {
                let certificates = CertificateDer::pem_slice_iter(pem.as_bytes()).flatten();
                roots.add_parsable_certificates(certificates);
            }
            Tls::Trusting(None) => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        }
        roots
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_text_the_list_of_mozilla_is_trusted_and_with_one_nobody_else() {
        assert!(Tls::Trusting(None).roots().len() > 100);
        for nobody in ["", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n"] {
            let roots = Tls::Trusting(Some(nobody.into())).roots();
            assert!(roots.is_empty(), "{nobody}");
        }
        assert!(Tls::Unused.roots().is_empty());
    }
}
