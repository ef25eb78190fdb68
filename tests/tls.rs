//! Nine servers on loopback, each wrong in a way of its own, and one that is right by a private CA from a file. Their
//! certificates are made by rcgen, which is no part of the product.
#![allow(clippy::unwrap_used)] // a test that can't go on should say where

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType, IsCa, Issuer,
    KeyPair, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use studiolink::probes::Certificate;
use studiolink::world::{CallLog, Record, ayon, net};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// Set for the run that does the work, with the CA's file in `SSL_CERT_FILE`: a variable of the whole process.
const INNER: &str = "STUDIOLINK_TEST_TLS";

fn named(name: &str) -> DistinguishedName {
    let mut all = DistinguishedName::new();
    all.push(DnType::CommonName, name);
    all
}

struct Ca {
    der: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

fn ca(name: &str) -> Ca {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name = named(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let made = params.self_signed(&key).unwrap();
    Ca {
        der: made.der().clone(),
        issuer: Issuer::new(params, key),
    }
}

type Shown = (Vec<CertificateDer<'static>>, KeyPair);

/// A certificate as a server shows it, alone.
fn leaf(ca: Option<&Ca>, host: &str, change: impl Fn(&mut CertificateParams)) -> Shown {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![host.to_owned()]).unwrap();
    params.distinguished_name = named(host);
    change(&mut params);
    let made = match ca {
        Some(ca) => params.signed_by(&key, &ca.issuer),
        None => params.self_signed(&key),
    };
    (vec![made.unwrap().der().clone()], key)
}

fn acceptor((chain, key): Shown) -> tokio_rustls::TlsAcceptor {
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    tokio_rustls::TlsAcceptor::from(Arc::new(config))
}

async fn listen() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

/// Answers every request with that page, over TLS.
async fn https(shown: Shown, page: &'static str) -> u16 {
    let (listener, port) = listen().await;
    let acceptor = acceptor(shown);
    tokio::spawn(async move {
        loop {
            let Ok((stream, _)) = listener.accept().await else {
                continue;
            };
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else {
                    return;
                };
                let _ = stream.read(&mut [0; 2_048]).await;
                let _ = stream.write_all(page.as_bytes()).await;
                let _ = stream.shutdown().await;
            });
        }
    });
    port
}

/// Takes connections, reads what comes, and answers with these bytes; `None`: with nothing, for ever.
async fn raw(answer: Option<&'static [u8]>) -> u16 {
    let (listener, port) = listen().await;
    tokio::spawn(async move {
        loop {
            let Ok((mut stream, _)) = listener.accept().await else {
                continue;
            };
            tokio::spawn(async move {
                let _ = stream.read(&mut [0; 2_048]).await;
                match answer {
                    Some(bytes) => {
                        let _ = stream.write_all(bytes).await;
                        let _ = stream.shutdown().await;
                    }
                    None => std::future::pending::<()>().await,
                }
            });
        }
    });
    port
}

const AYON: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 21\r\nconnection: close\r\n\r\n{\"version\":\"1.15.18\"}";
const PORTAL: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close\r\n\r\n<html><title>Sign in to the studio's network</title></html>";
/// A fatal alert, protocol_version, in the dress of TLS 1.0: what a server of 1999 says to a client of today.
const OLD: &[u8] = &[0x15, 0x03, 0x01, 0x00, 0x02, 0x02, 0x46];

/// `AuthorityInfoAccess` that names where the issuer's certificate is, as public issuers write it.
fn names_its_issuer(params: &mut CertificateParams) {
    let url = b"http://ca.example/i.der";
    let length = |n: usize| u8::try_from(n).unwrap();
    let mut access = vec![0x30, length(url.len() + 12)];
    access.extend([0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x02]);
    access.extend([0x86, length(url.len())]);
    access.extend(url);
    let mut all = vec![0x30, length(access.len())];
    all.extend(access);
    let oid = [1, 3, 6, 1, 5, 5, 7, 1, 1];
    let extension = CustomExtension::from_oid_content(&oid, all);
    params.custom_extensions.push(extension);
}

async fn seen(port: u16) -> String {
    match net::try_certificate("localhost", port).await {
        Ok(Certificate { days_left, .. }) if days_left < 0 => "expired".to_owned(),
        Ok(Certificate {
            refused: Some(refused),
            ..
        }) => format!("{}: {}", refused.code, refused.because),
        Ok(_) => "trusted".to_owned(),
        Err(problem) => problem.because,
    }
}

async fn info(port: u16) -> String {
    let url = format!("https://localhost:{port}/").parse().unwrap();
    let record = Record::new(&CallLog::default());
    let client = ayon::client(false).unwrap();
    match ayon::try_info(&record, &client, &url).await {
        Ok(info) => format!("AYON {}", info.version.raw()),
        Err(problem) => format!("{}: {}", problem.doing, problem.because),
    }
}

async fn inner(folder: &Path) {
    // The CA of the file, and one that nobody here knows.
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let key = KeyPair::from_pem(&read("ca.key")).unwrap();
    let issuer = Issuer::from_ca_cert_pem(&read("ca.pem"), key).unwrap();
    let own = Ca {
        der: CertificateDer::from(Vec::new()),
        issuer,
    };
    let stranger = ca("Somebody's CA");
    let right = |_: &mut CertificateParams| {};
    let with_chain = |ca: &Ca, (mut chain, key): Shown| {
        chain.push(ca.der.clone());
        (chain, key)
    };
    let past = |p: &mut CertificateParams| {
        p.not_before = date_time_ymd(2020, 1, 1);
        p.not_after = date_time_ymd(2021, 1, 1);
    };
    let good = https(leaf(Some(&own), "localhost", right), AYON).await;
    assert_eq!(seen(good).await, "trusted", "a private CA from a file");
    assert_eq!(info(good).await, "AYON 1.15.18");
    let unknown = with_chain(&stranger, leaf(Some(&stranger), "localhost", right));
    let servers = [
        (
            "expired",
            seen(https(leaf(Some(&own), "localhost", past), AYON).await).await,
        ),
        (
            "other-name: it is for another name",
            seen(https(leaf(Some(&own), "ayon.example", right), AYON).await).await,
        ),
        (
            "self-signed: it is self-signed",
            seen(https(leaf(None, "localhost", right), AYON).await).await,
        ),
        (
            "unknown-issuer: its issuer is unknown to this machine: a private CA",
            seen(https(unknown, AYON).await).await,
        ),
        (
            "no-intermediate: the server sends it without the intermediate",
            seen(https(leaf(Some(&stranger), "localhost", names_its_issuer), AYON).await).await,
        ),
        ("only old TLS versions", seen(raw(Some(OLD)).await).await),
        (
            "what answers is not TLS (plain HTTP on that port?)",
            seen(raw(Some(b"HTTP/1.1 400 Bad Request\r\n\r\n")).await).await,
        ),
        (
            "is not AYON",
            info(https(leaf(Some(&own), "localhost", right), PORTAL).await).await,
        ),
        (
            "it took the connection and said nothing for 5 s",
            seen(raw(None).await).await,
        ),
    ];
    let mut different = BTreeSet::new();
    for (part, said) in &servers {
        assert!(said.contains(part), "{part}: {said}");
        different.insert(said);
    }
    assert_eq!(
        different.len(),
        9,
        "nine servers, nine different answers: {servers:#?}"
    );
}

#[tokio::test]
async fn nine_servers_have_nine_different_right_answers() {
    if let Some(folder) = std::env::var_os(INNER) {
        return inner(Path::new(&folder)).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name = named("The studio's CA");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let pem = params.self_signed(&key).unwrap().pem();
    std::fs::write(folder.path().join("ca.pem"), &pem).unwrap();
    std::fs::write(folder.path().join("ca.key"), key.serialize_pem()).unwrap();
    let done = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "nine_servers_have_nine_different_right_answers",
            "--nocapture",
        ])
        .env(INNER, folder.path())
        .env("SSL_CERT_FILE", folder.path().join("ca.pem"))
        .env("NO_PROXY", "localhost,127.0.0.1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{said}");
}
