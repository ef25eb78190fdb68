//! The owner that the studio file names for a channel's bucket, where S3 was seen to refuse it.

use crate::domain::call::Vantage;
use crate::probes::Probe as _;
use crate::questions::{Part, View};

use super::bucket_owner::probe;

pub fn wrong_owner(view: &View) -> Option<String> {
    let config = view.config(Part::Channels);
    view.config(Part::Owners);
    config.s3_channels().find_map(|channel| {
        let bucket = channel.bucket()?;
        let stated = config.owner_of(bucket)?;
        let probe = probe(view, channel)?;
        let seen = view.seen(&probe, &Vantage::Here).seen()?;
        let is_wrong = probe.assess(&Vantage::Here, seen).code == "wrong-owner";
        is_wrong.then(|| {
            format!(
                "the bucket {bucket} does not belong to \
            account {stated}, as the studio file says; a condition with it would deny every \
            worker"
            )
        })
    })
}
