//! The certificate that a server shows, and whether this machine trusts it for that name.

use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use x509_parser::oid_registry::OID_PKIX_ACCESS_DESCRIPTOR_CA_ISSUERS;
use x509_parser::prelude::{FromDer, GeneralName, ParsedExtension, X509Certificate};

use super::{DEADLINE, io_words, port};
use crate::domain::address::Scheme;
use crate::domain::problem::{Problem, ProblemKind};
use crate::domain::text::Printable;
use crate::domain::text::Untrusted;
use crate::probes::{Certificate, Refusal};

/// Verifies as always, and keeps the certificate and the verdict, so that a refused one can be explained.
#[derive(Debug)]
struct Witness {
    inner: Arc<WebPkiServerVerifier>,
    saw: Mutex<Option<(Vec<u8>, Option<Refusal>)>>,
}

impl ServerCertVerifier for Witness {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verdict = self.inner.verify_server_cert(leaf, chain, name, ocsp, now);
        if let Ok(mut saw) = self.saw.lock() {
            let refused = verdict.as_ref().err().map(|e| refusal(e, leaf, chain));
            *saw = Some((leaf.to_vec(), refused));
        }
        verdict
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

const PRIVATE_CA: &str = "use a certificate of a public issuer for this name; for a private CA set \
    SSL_CERT_FILE here, and on the workers SSL_CERT_FILE, REQUESTS_CA_BUNDLE and AYON_CA_FILE";

fn refusal(error: &rustls::Error, leaf: &[u8], chain: &[CertificateDer<'_>]) -> Refusal {
    use rustls::CertificateError as C;
    let because = match error {
        rustls::Error::InvalidCertificate(C::UnknownIssuer) => return unknown_issuer(leaf, chain),
        rustls::Error::InvalidCertificate(
            C::NotValidForName | C::NotValidForNameContext { .. },
        ) => {
            return Refusal {
                code: "other-name",
                because: "it is for another name".to_owned(),
                fix: "write the name that the certificate is for, or give the server a certificate for this name",
            };
        }
        rustls::Error::InvalidCertificate(C::Expired | C::ExpiredContext { .. }) => {
            "it has expired".to_owned()
        }
        rustls::Error::InvalidCertificate(C::NotValidYet | C::NotValidYetContext { .. }) => {
            "it is not valid yet".to_owned()
        }
        other if format!("{other:?}").contains("CaUsedAsEndEntity") => {
            "it is a CA's own certificate, shown as a server's: strict clients refuse that"
                .to_owned()
        }
        // A CA of this machine may carry the same name with another kind of key: then no signature of it fits.
        rustls::Error::InvalidCertificate(_) if is_self_signed(leaf) => {
            return unknown_issuer(leaf, chain);
        }
        other => {
            let words = format!("{other:?}");
            let inner = words.trim_start_matches("InvalidCertificate(");
            let name = inner.split(|c: char| !c.is_ascii_alphanumeric()).next();
            format!(
                "its signature can't be checked here ({})",
                name.unwrap_or_default()
            )
        }
    };
    Refusal {
        code: "not-trusted",
        because,
        fix: PRIVATE_CA,
    }
}

fn is_self_signed(leaf: &[u8]) -> bool {
    let read = X509Certificate::from_der(leaf);
    read.is_ok_and(|(_, x509)| x509.issuer() == x509.subject())
}

/// The certificate itself tells a missing intermediate one from a private CA: a public issuer writes into it where the
/// intermediate is found, and a server that sends nothing besides its own relies on browsers to fetch it.
fn unknown_issuer(leaf: &[u8], chain: &[CertificateDer<'_>]) -> Refusal {
    let refusal = |code, because: &str, fix| Refusal {
        code,
        because: because.to_owned(),
        fix,
    };
    let Ok((_, x509)) = X509Certificate::from_der(leaf) else {
        return refusal("not-trusted", "it can't be read", PRIVATE_CA);
    };
    if is_self_signed(leaf) {
        let because = "it is self-signed: no CA has issued it";
        return refusal("self-signed", because, PRIVATE_CA);
    }
    let names_intermediate = x509.extensions().iter().any(|e| {
        let ParsedExtension::AuthorityInfoAccess(access) = e.parsed_extension() else {
            return false;
        };
        let mut places = access.accessdescs.iter();
        places.any(|d| d.access_method == OID_PKIX_ACCESS_DESCRIPTOR_CA_ISSUERS)
    });
    match (chain.is_empty(), names_intermediate) {
        (true, true) => refusal(
            "no-intermediate",
            "the server sends it without the intermediate certificate that leads to its CA; a browser fetches that one itself, programs on a worker do not",
            "let the web server send the whole chain (certbot: fullchain.pem in place of cert.pem)",
        ),
        (true, false) => refusal(
            "unknown-issuer",
            "its issuer is unknown to this machine, and the server sends no intermediate certificate: one is missing, or a private CA has issued it",
            "let the web server send the whole chain; for a private CA set SSL_CERT_FILE here, and on the workers SSL_CERT_FILE, REQUESTS_CA_BUNDLE and AYON_CA_FILE",
        ),
        (false, _) => refusal(
            "unknown-issuer",
            "its issuer is unknown to this machine: a private CA, or one whose root certificate is missing here",
            PRIVATE_CA,
        ),
    }
}

/// The variables that say where this machine's CA certificates are.
const ROOTS: [&str; 2] = ["SSL_CERT_FILE", "SSL_CERT_DIR"];

/// Where such a variable is set, and no certificate is found by it, no https:// works: better said once than by each call.
pub fn check_roots() -> Result<(), Problem> {
    let set = ROOTS.into_iter();
    let set = set.filter_map(|name| Some((name, std::env::var_os(name)?)));
    let set: Vec<_> = set.collect();
    if set.is_empty() {
        return Ok(());
    }
    let found = rustls_native_certs::load_native_certs();
    if !found.certs.is_empty() {
        return Ok(());
    }
    let named = set.iter().map(|(name, value)| {
        let value = Printable::short(&value.to_string_lossy(), 200);
        format!("{name} = {value}")
    });
    let named: Vec<String> = named.collect();
    let why = found.errors.first().map_or_else(
        || "there is no certificate in it".to_owned(),
        |e| Printable::short(&e.to_string(), 160).to_string(),
    );
    Err(Problem::new(
        ProblemKind::Local,
        "No https:// address can be checked here",
        format!("{} leads to no CA certificate: {why}", named.join(", ")),
        "unset the variable, or let it name a file of CA certificates that can be read",
    ))
}

/// As every call of ours trusts: the machine's CA certificates, and SSL_CERT_FILE.
pub(super) fn client_config() -> Result<Arc<ClientConfig>, Problem> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| local(&e))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

fn local(error: &dyn std::fmt::Display) -> Problem {
    Problem::new(
        ProblemKind::Local,
        "Could not look at the server's certificate",
        error.to_string(),
        "install this machine's CA certificates (Debian: ca-certificates)",
    )
}

pub async fn try_certificate(host: &str, port: u16) -> Result<Certificate, Problem> {
    let problem = |because: String, fix: &str| {
        Problem::new(
            ProblemKind::Invalid,
            format!("{host}:{port} does not speak TLS as workers do"),
            because,
            fix,
        )
    };
    let (stream, proxy) = port::connect_as_calls_do(Scheme::Https, host, port).await?;
    let mut roots = RootCertStore::empty();
    // Honours SSL_CERT_FILE, as the tools on a worker do.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let inner = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .build()
        .map_err(|e| local(&e))?;
    let witness = Arc::new(Witness {
        inner,
        saw: Mutex::new(None),
    });
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| local(&e))?
        .dangerous()
        .with_custom_certificate_verifier(witness.clone())
        .with_no_client_auth();
    let name = ServerName::try_from(host.to_owned())
        .map_err(|e| problem(e.to_string(), "write the server's host name"))?;
    let shaken = tokio::time::timeout(
        DEADLINE,
        tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, stream),
    )
    .await;
    let saw = witness.saw.lock().ok().and_then(|mut s| s.take());
    if let Some((leaf, refused)) = saw {
        let read = read(&leaf, refused).map_err(|e| problem(e, "renew the server's certificate"));
        return read.map(|c| Certificate { proxy, ..c });
    }
    match shaken {
        Err(_) => Err(problem(
            format!(
                "it took the connection and said nothing for {} s",
                DEADLINE.as_secs()
            ),
            "look at the server or proxy behind that port",
        )),
        Ok(Err(e)) => Err(problem(
            handshake_words(&e),
            "see that TLS 1.2 or 1.3 is spoken on that port; for plain HTTP write http://",
        )),
        Ok(Ok(_)) => Err(problem(
            "it showed no certificate".to_owned(),
            "look at the server or proxy behind that port",
        )),
    }
}

fn handshake_words(error: &std::io::Error) -> String {
    match error
        .get_ref()
        .and_then(|e| e.downcast_ref::<rustls::Error>())
    {
        Some(rustls::Error::InvalidMessage(_)) => {
            "what answers is not TLS (plain HTTP on that port?)".to_owned()
        }
        Some(rustls::Error::AlertReceived(alert)) => {
            format!("it refused the handshake ({alert:?}): perhaps only old TLS versions")
        }
        Some(rustls::Error::PeerIncompatible(_)) => {
            "it speaks no TLS version that is safe today".to_owned()
        }
        _ => io_words(error),
    }
}

fn read(leaf: &[u8], refused: Option<Refusal>) -> Result<Certificate, String> {
    let (_, x509) = X509Certificate::from_der(leaf)
        .map_err(|e| format!("its certificate can't be read: {e}"))?;
    let mut names: Vec<Untrusted> = Vec::new();
    if let Ok(Some(san)) = x509.subject_alternative_name() {
        for general in &san.value.general_names {
            match general {
                GeneralName::DNSName(name) => names.push(Untrusted::new(*name)),
                GeneralName::IPAddress([a, b, c, d]) => {
                    names.push(Untrusted::new(format!("{a}.{b}.{c}.{d}")))
                }
                _ => {}
            }
        }
    }
    if names.is_empty() {
        names.push(Untrusted::new(x509.subject().to_string()));
    }
    let end = x509.validity().not_after.timestamp();
    let expires = Timestamp::from_second(end).map_err(|e| e.to_string())?;
    Ok(Certificate {
        names,
        issuer: Untrusted::new(x509.issuer().to_string()),
        expires,
        days_left: (end - Timestamp::now().as_second()).div_euclid(86_400),
        refused,
        proxy: None,
    })
}

/// Does TLS answer there? For a server that was asked in plain HTTP and did not answer as one.
pub async fn speaks_tls(host: &str, port: u16) -> bool {
    try_certificate(host, port).await.is_ok()
}
