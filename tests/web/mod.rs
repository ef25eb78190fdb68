//! A web server on loopback that answers by a function and remembers what it was asked.
#![allow(dead_code, clippy::unwrap_used)] // each test file takes what it needs

use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

pub(crate) struct Web {
    pub(crate) url: String,
    server: MockServer,
}

/// For tests with and without an async runtime of their own.
fn wait<T: Send>(work: impl Future<Output = T> + Send) -> T {
    std::thread::scope(|threads| {
        let run = || {
            let mut builder = tokio::runtime::Builder::new_current_thread();
            builder.enable_all().build().unwrap().block_on(work)
        };
        threads.spawn(run).join().unwrap()
    })
}

pub(crate) fn serve(answer: impl Fn(&Request) -> ResponseTemplate + Send + Sync + 'static) -> Web {
    let server = wait(async {
        let server = MockServer::start().await;
        Mock::given(any()).respond_with(answer).mount(&server).await;
        server
    });
    Web {
        url: server.uri(),
        server,
    }
}

impl Web {
    pub(crate) fn asked(&self) -> Vec<Request> {
        wait(self.server.received_requests()).unwrap()
    }

    /// Method and path of each request.
    pub(crate) fn lines(&self) -> Vec<String> {
        let line = |r: &Request| format!("{} {}", r.method, r.url.path());
        self.asked().iter().map(line).collect()
    }
}

/// `GET /path?query`, as the first line of a request has it.
pub(crate) fn first_line(request: &Request) -> String {
    let query = request.url.query().map(|q| format!("?{q}"));
    let query = query.unwrap_or_default();
    format!("{} {}{query} HTTP/1.1", request.method, request.url.path())
}
