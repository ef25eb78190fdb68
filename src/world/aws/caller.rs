//! One AWS call: a place in the queue, the clock around it, its line in the log, its error in the user's words.

use std::cell::Cell;
use std::future::Future;
use std::time::Instant;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::request_id::RequestId;
use jiff::Timestamp;

use super::Aws;
use super::client::LAST_STATUS;
use super::problem::{code_of, problem_of};
use crate::domain::call::{Call, Vantage};
use crate::domain::problem::Problem;
use crate::domain::text::Printable;
use crate::world::Record;

/// What is called, for the log and for the error.
pub(super) struct What<'a> {
    pub service: &'static str,
    pub operation: &'static str,
    pub about: &'a str,
    pub doing: String,
    pub vantage: Vantage,
}

impl<'a> What<'a> {
    pub(super) fn new(
        service: &'static str,
        operation: &'static str,
        about: &'a str,
        doing: impl Into<String>,
    ) -> Self {
        Self {
            service,
            operation,
            about,
            doing: doing.into(),
            vantage: Vantage::Aws,
        }
    }

    pub(super) fn seen_from(mut self, vantage: Vantage) -> Self {
        self.vantage = vantage;
        self
    }
}

impl Aws {
    pub(super) async fn call<T, E>(
        &self,
        record: &Record,
        what: What<'_>,
        sending: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    ) -> Result<T, Problem>
    where
        T: RequestId,
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let _place = self.permits.acquire().await;
        let clock = Clock::start();
        let (result, last) = with_status(sending).await;
        self.recorded(record, &what, &clock, result, last)
    }

    fn recorded<T, E>(
        &self,
        record: &Record,
        what: &What<'_>,
        clock: &Clock,
        result: Result<T, SdkError<E, HttpResponse>>,
        last: Option<u16>,
    ) -> Result<T, Problem>
    where
        T: RequestId,
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let outcome = match &result {
            Ok(_) => Printable::from("OK"),
            Err(e) => Printable::short(&code_of(e, last), 60),
        };
        let call = Call {
            vantage: what.vantage.clone(),
            service: what.service.to_owned(),
            operation: what.operation.to_owned(),
            about: Printable::short(what.about, 80),
            millis: u64::try_from(clock.began.elapsed().as_millis()).unwrap_or(u64::MAX),
            outcome,
            request_id: result.request_id().map(|id| Printable::short(id, 64)),
            at: clock.at,
        };
        record.add(call.clone());
        result.map_err(|e| problem_of(&e, last, what, &self.profile, &self.region).seen(call))
    }
}

struct Clock {
    began: Instant,
    at: Timestamp,
}

impl Clock {
    fn start() -> Self {
        Self {
            began: Instant::now(),
            at: Timestamp::now(),
        }
    }
}

/// What was answered, with the HTTP status of the last attempt: some errors carry none.
async fn with_status<T>(sending: impl Future<Output = T>) -> (T, Option<u16>) {
    LAST_STATUS
        .scope(Cell::new(None), async {
            (sending.await, LAST_STATUS.with(Cell::get))
        })
        .await
}
