//! What stands between rattler and the network: every request becomes a line of the call log, `s3://` is signed with
//! the credentials that were lent, no redirect is followed, and no answer may grow beyond what an index is.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::anyhow;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::{Stream, StreamExt as _};
use jiff::Timestamp;
use reqwest::{Method, Request, Response, ResponseBuilderExt as _};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Middleware, Next};
use tokio::sync::mpsc;
use url::Url;

use super::progress::{Downloads, Held};
use crate::domain::call::{Call, Vantage};
use crate::domain::problem::Problem;
use crate::domain::text::{Printable, without_url_secrets};
use crate::world::Record;

/// A body as it is sent, and what it may become when it is unpacked. conda-forge's largest index has some 300 MB.
const MOST_SENT: u64 = 1_500_000_000;
const MOST_UNPACKED: u64 = 1_500_000_000;
/// The list of a sharded index, and one shard: both are held in memory.
const MOST_LIST: u64 = 256_000_000;
const MOST_SHARD: u64 = 64_000_000;

/// How many pieces of a whole index wait to be counted, and to be unpacked.
const PIECES: usize = 32;

/// From a bucket and a key to an address that is signed for a short while.
pub type Sign =
    Arc<dyn Fn(String, String, bool) -> BoxFuture<'static, Result<Url, Problem>> + Send + Sync>;

/// What the last request for an address came to, as far as a verdict needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Came {
    Status(u16),
    Redirect(Printable),
    TooLarge(Printable),
    Broken(Printable),
    NotSigned(Box<Problem>),
}

/// By address, without its query.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen(Arc<Mutex<HashMap<String, Came>>>);

impl Seen {
    fn set(&self, at: &str, came: Came) {
        if let Ok(mut seen) = self.0.lock() {
            seen.insert(at.to_owned(), came);
        }
    }

    pub(super) fn of(&self, at: &str) -> Option<Came> {
        self.0.lock().ok()?.get(at).cloned()
    }
}

pub(super) struct Wire {
    /// From an address as it may be shown and kept, to the one that is asked: with its user, password or token.
    pub secret: Vec<(String, Url)>,
    pub record: Record,
    pub vantage: Vantage,
    pub sign: Option<Sign>,
    pub seen: Seen,
    pub downloads: Downloads,
}

/// A client that goes through the wire and follows no redirect.
pub(super) fn client(wire: Wire) -> Result<ClientWithMiddleware, Problem> {
    let plain = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(5))
        .read_timeout(Duration::from_secs(20))
        .user_agent(crate::world::net::USER_AGENT)
        .build()
        .map_err(|e| crate::world::net::no_client(&e))?;
    Ok(ClientBuilder::new(plain).with(wire).build())
}

/// An address as it may be shown and looked up: no query, no user, no token.
pub(super) fn plain(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    without_url_secrets(url.as_str())
}

impl Wire {
    async fn signed(
        &self,
        mut request: Request,
        at: &str,
    ) -> Result<Request, reqwest_middleware::Error> {
        let whole = self.secret.iter().find_map(|(shown, whole)| {
            let rest = request.url().as_str().strip_prefix(shown.as_str())?;
            whole.join(rest).ok()
        });
        if let Some(whole) = whole {
            *request.url_mut() = whole;
        }
        // Seen with rattler 0.38: it takes a 304 for a sharded index without an ETag as a failure.
        let headers = request.headers_mut();
        if at.ends_with("repodata_shards.msgpack.zst") && !headers.contains_key("if-none-match") {
            headers.remove("if-modified-since");
        }
        if request.url().scheme() != "s3" {
            return Ok(request);
        }
        let fault =
            |because: &str| reqwest_middleware::Error::Middleware(anyhow!(because.to_owned()));
        let sign = self
            .sign
            .as_ref()
            .ok_or_else(|| fault("no credentials for S3"))?;
        let bucket = request.url().host_str().unwrap_or_default().to_owned();
        let path = request.url().path().trim_start_matches('/');
        let key = percent_encoding::percent_decode_str(path)
            .decode_utf8_lossy()
            .into_owned();
        match sign(bucket, key, request.method() == Method::HEAD).await {
            Ok(url) => {
                *request.url_mut() = url;
                Ok(request)
            }
            Err(problem) => {
                self.seen.set(at, Came::NotSigned(Box::new(problem)));
                Err(fault("the request could not be signed"))
            }
        }
    }

    fn log(
        &self,
        method: &Method,
        at: &str,
        outcome: String,
        request_id: Option<Printable>,
        began: Instant,
        when: Timestamp,
    ) {
        let mut parts = at.rsplit('/');
        let file = parts.next().unwrap_or_default();
        let folder = parts.next().unwrap_or_default();
        self.record.add(Call {
            // Only S3 is read with lent credentials.
            vantage: if at.starts_with("s3://") {
                self.vantage.clone()
            } else {
                Vantage::Here
            },
            service: if at.starts_with("s3://") {
                "s3"
            } else {
                "conda"
            }
            .to_owned(),
            operation: Printable::short(&format!("{method} {folder}/{file}"), 60).to_string(),
            about: Printable::short(at, 80),
            millis: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
            outcome: outcome.into(),
            request_id,
            at: when,
        });
    }
}

/// Where a redirect leads, in words. S3 answers 301 for a bucket of another region, without an address.
fn elsewhere(response: &Response) -> Printable {
    let header = |name: &str| response.headers().get(name).and_then(|v| v.to_str().ok());
    match (header("location"), header("x-amz-bucket-region")) {
        (Some(to), _) => {
            let to = to.split(['?', '#']).next().unwrap_or_default();
            Printable::short(&without_url_secrets(to), 100)
        }
        (None, Some(region)) => {
            format!("the bucket's own region, {}", Printable::short(region, 30)).into()
        }
        (None, None) => "elsewhere".into(),
    }
}

#[async_trait::async_trait]
impl Middleware for Wire {
    async fn handle(
        &self,
        request: Request,
        extensions: &mut http::Extensions,
        next: Next<'_>,
    ) -> reqwest_middleware::Result<Response> {
        let at = plain(request.url());
        let method = request.method().clone();
        let (began, when) = (Instant::now(), Timestamp::now());
        let request = self.signed(request, &at).await?;
        let answer = next.run(request, extensions).await;
        let id = |r: &Response| {
            let id = r.headers().get("x-amz-request-id")?.to_str().ok()?;
            Some(Printable::short(id, 60))
        };
        match answer {
            Ok(response) => {
                let status = response.status();
                let outcome = if status.is_success() || status.as_u16() == 304 {
                    "OK".to_owned()
                } else if status.as_u16() == 404 && is_packed(&at) {
                    // A form of the index that a channel may do without.
                    "OK, absent".to_owned()
                } else {
                    format!("HTTP {}", status.as_u16())
                };
                self.log(&method, &at, outcome, id(&response), began, when);
                if status.is_redirection() && status.as_u16() != 304 {
                    let to = elsewhere(&response);
                    self.seen.set(&at, Came::Redirect(to));
                    return Err(reqwest_middleware::Error::Middleware(anyhow!(
                        "a redirect, which is not followed"
                    )));
                }
                self.seen.set(&at, Came::Status(status.as_u16()));
                if method == Method::GET && status.is_success() {
                    return Ok(self.guarded(response, at));
                }
                Ok(response)
            }
            Err(error) => {
                let because = match &error {
                    reqwest_middleware::Error::Reqwest(e) if e.is_timeout() && !e.is_connect() => {
                        "connected, and then no answer within 20 s".to_owned()
                    }
                    reqwest_middleware::Error::Reqwest(e) => crate::world::net::http_words(e),
                    reqwest_middleware::Error::Middleware(_) => "the request failed".to_owned(),
                };
                self.log(&method, &at, "NotReached".to_owned(), None, began, when);
                self.seen
                    .set(&at, Came::Broken(Printable::short(&because, 160)));
                Err(error)
            }
        }
    }
}

/// A form of the index that is packed by zstd.
fn is_packed(at: &str) -> bool {
    std::path::Path::new(at)
        .extension()
        .is_some_and(|x| x.eq_ignore_ascii_case("zst"))
}

/// One of the many small files of a sharded index.
fn is_shard(at: &str) -> bool {
    at.ends_with(".msgpack.zst")
}

/// The limits for one file: as sent, and unpacked.
fn limits(at: &str) -> (u64, Option<u64>) {
    let file = at.rsplit('/').next().unwrap_or_default();
    match file {
        "repodata_shards.msgpack.zst" => (MOST_LIST, Some(MOST_LIST)),
        _ if file.ends_with(".msgpack.zst") => (MOST_SHARD, Some(MOST_SHARD)),
        _ if is_packed(at) => (MOST_SENT, Some(MOST_UNPACKED)),
        _ => (MOST_SENT, None),
    }
}

impl Wire {
    /// The same answer, counted while it is read: beyond its limit it ends in an error.
    fn guarded(&self, response: Response, at: String) -> Response {
        let mut builder = http::Response::builder()
            .status(response.status())
            .version(response.version())
            // rattler puts it into its words and its cache: without what signs.
            .url(Url::parse(&at).unwrap_or_else(|_| response.url().clone()));
        if let Some(headers) = builder.headers_mut() {
            headers.clone_from(response.headers());
        }
        let (sent, unpacked) = limits(&at);
        let meter = Meter {
            download: self.downloads.begin(&at, response.content_length()),
            sent,
            got: 0,
            unpacked: unpacked.and_then(Unpacked::new),
        };
        let body = response.bytes_stream();
        let seen = self.seen.clone();
        let rebuilt = builder.body(if is_packed(&at) && !is_shard(&at) {
            reqwest::Body::wrap_stream(metered_beside(body, meter, seen, at))
        } else {
            reqwest::Body::wrap_stream(metered(body, meter, seen, at))
        });
        rebuilt
            .unwrap_or_else(|e| {
                unreachable!("status, headers and address came from an answer: {e}")
            })
            .into()
    }
}

struct Meter {
    download: Held,
    sent: u64,
    got: u64,
    unpacked: Option<Unpacked>,
}

/// Unpacks what passes by, only to count it: a small file may unpack to more than a disk holds.
struct Unpacked {
    decoder: zstd::stream::raw::Decoder<'static>,
    most: u64,
    got: u64,
}

impl Unpacked {
    fn new(most: u64) -> Option<Self> {
        let decoder = zstd::stream::raw::Decoder::new().ok()?;
        Some(Self {
            decoder,
            most,
            got: 0,
        })
    }

    /// `false`: too much. What is not zstd at all is rattler's to refuse.
    fn fits(&mut self, chunk: &[u8]) -> bool {
        use zstd::stream::raw::Operation as _;
        let mut out = vec![0u8; 128 * 1024];
        let mut rest = chunk;
        while !rest.is_empty() {
            let Ok(status) = self.decoder.run_on_buffers(rest, &mut out) else {
                return true;
            };
            self.got += status.bytes_written as u64;
            if self.got > self.most {
                return false;
            }
            if status.bytes_read == 0 && status.bytes_written == 0 {
                return true;
            }
            rest = &rest[status.bytes_read..];
        }
        // What the decoder still holds back counts too.
        loop {
            match self.decoder.run_on_buffers(&[], &mut out) {
                Ok(status) if status.bytes_written > 0 => {
                    self.got += status.bytes_written as u64;
                    if self.got > self.most {
                        return false;
                    }
                }
                _ => return true,
            }
        }
    }
}

impl Meter {
    fn check(&mut self, chunk: &[u8]) -> Result<(), String> {
        let words = crate::domain::conda_solve::size_words;
        self.got += chunk.len() as u64;
        self.download.got(self.got);
        if self.got > self.sent {
            return Err(format!("more than {} were sent", words(self.sent)));
        }
        if let Some(unpacked) = &mut self.unpacked
            && !unpacked.fits(chunk)
        {
            return Err(format!("it unpacks to more than {}", words(unpacked.most)));
        }
        Ok(())
    }
}

/// The same for a whole index, which takes a while to count: on a thread of its own, between the download and the one
/// that unpacks it to the disk. A piece is passed on only after it was counted.
fn metered_beside(
    body: impl Stream<Item = reqwest::Result<Bytes>> + Send + 'static,
    meter: Meter,
    seen: Seen,
    at: String,
) -> impl Stream<Item = Result<Bytes, std::io::Error>> + Send + 'static {
    let (arrived, mut uncounted) = mpsc::channel(PIECES);
    let (counted, passed) = mpsc::channel(PIECES);
    tokio::spawn(async move {
        let mut body = std::pin::pin!(body);
        loop {
            // Nobody reads any more: the download ends too.
            let piece = tokio::select! {
                piece = body.next() => piece,
                () = arrived.closed() => None,
            };
            let Some(piece) = piece else { return };
            if arrived.send(piece).await.is_err() {
                return;
            }
        }
    });
    tokio::task::spawn_blocking(move || {
        let mut count = counter(meter, seen, at);
        while let Some(piece) = uncounted.blocking_recv() {
            let piece = count(piece);
            let ends = piece.is_err();
            if counted.blocking_send(piece).is_err() || ends {
                return;
            }
        }
    });
    futures_util::stream::unfold(passed, |mut passed| async move {
        let piece = passed.recv().await?;
        Some((piece, passed))
    })
}

fn metered(
    body: impl Stream<Item = reqwest::Result<Bytes>> + Send + 'static,
    meter: Meter,
    seen: Seen,
    at: String,
) -> impl Stream<Item = Result<Bytes, std::io::Error>> + Send + 'static {
    body.map(counter(meter, seen, at))
}

fn counter(
    mut meter: Meter,
    seen: Seen,
    at: String,
) -> impl FnMut(reqwest::Result<Bytes>) -> Result<Bytes, std::io::Error> + Send + 'static {
    move |chunk| {
        let chunk = chunk.map_err(|e| {
            let because = crate::world::net::http_words(&e);
            seen.set(&at, Came::Broken(Printable::short(&because, 160)));
            std::io::Error::other(because)
        })?;
        meter.check(&chunk).map_err(|why| {
            seen.set(&at, Came::TooLarge(Printable::new(&why)));
            std::io::Error::other(why)
        })?;
        Ok(chunk)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bomb_is_counted_before_it_is_unpacked_to_the_disk() {
        let bomb = zstd::encode_all(std::io::repeat(b' ').take_some(200_000_000), 3).unwrap();
        assert!(bomb.len() < 100_000, "{}", bomb.len());
        let mut small = Unpacked::new(10_000_000).unwrap();
        assert!(!small.fits(&bomb));
        let mut enough = Unpacked::new(200_000_000).unwrap();
        assert!(bomb.chunks(1_000).all(|c| enough.fits(c)));
        assert_eq!(enough.got, 200_000_000);
        // What is not zstd is not the meter's to refuse.
        assert!(
            Unpacked::new(10)
                .unwrap()
                .fits(b"<html>not an index</html>")
        );
    }

    trait TakeSome {
        fn take_some(self, n: u64) -> std::io::Take<Self>
        where
            Self: Sized;
    }
    impl<R: std::io::Read> TakeSome for R {
        fn take_some(self, n: u64) -> std::io::Take<Self> {
            self.take(n)
        }
    }

    #[test]
    fn an_address_is_shown_without_what_signs_it() {
        let url = Url::parse("https://me:hunter2@b.example.com/x/t/tok-123/noarch/repodata.json?X-Amz-Signature=abc&X-Amz-Security-Token=def#f").unwrap();
        let shown = plain(&url);
        for secret in ["hunter2", "abc", "def", "tok-123"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}
