//! The test of a bucket's owner: the stated one, and this account, because a bucket of one's own is worth knowing.

use crate::domain::channel::Channel;
use crate::domain::ids::AccountId;
use crate::probes::BucketOwner;
use crate::questions::{CallerIdentity, Part, View};

pub fn probe(view: &View, channel: &Channel) -> Option<BucketOwner> {
    // Each bucket is tested once, by the first channel in it.
    let mut channels = view.config(Part::Channels).s3_channels();
    let channel = channels.find(|c| c.bucket() == channel.bucket())?;
    let stated = view.config(Part::Owners).owner_of(channel.bucket()?);
    let own = view.fact(&CallerIdentity).known().map(|c| &c.account);
    let mut accounts: Vec<AccountId> = stated.into_iter().chain(own).cloned().collect();
    accounts.dedup();
    (!accounts.is_empty()).then(|| BucketOwner {
        channel: channel.clone(),
        stated: stated.cloned(),
        accounts,
    })
}
