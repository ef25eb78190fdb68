//! Where an address leads, as far as the address itself says.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use url::Url;

words!(
    /// What is spoken at an address; the proxies of a machine differ by it.
    Scheme { Https = "https", Http = "http" }
);

impl Scheme {
    pub fn of(url: &Url) -> Self {
        match url.scheme() {
            "http" => Self::Http,
            _ => Self::Https,
        }
    }
}

/// An address that does not lead through public networks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Near {
    /// The machine itself, or no machine (0.0.0.0).
    Itself,
    /// A private network, a link, or a carrier's own.
    Private,
}

/// The IPv4 address that an IPv6 one stands for: mapped, compatible (RFC 4291) or of NAT64 (RFC 6052).
fn inner(ip: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = ip else { return ip };
    if v6.is_loopback() || v6.is_unspecified() {
        return ip;
    }
    let parts = v6.segments();
    let of_v4 = match &parts[..6] {
        [0, 0, 0, 0, 0, last] => matches!(last, 0 | 0xffff),
        nat64 => *nat64 == [0x64, 0xff9b, 0, 0, 0, 0],
    };
    if !of_v4 {
        return ip;
    }
    let octets = v6.octets();
    IpAddr::from([octets[12], octets[13], octets[14], octets[15]])
}

/// `None`: a public address. However it is spelled: an IPv4 address inside an IPv6 one is judged as what it is.
pub fn near(ip: IpAddr) -> Option<Near> {
    match inner(ip) {
        ip if ip.is_loopback() || ip.is_unspecified() => Some(Near::Itself),
        IpAddr::V4(ip)
            if ip.is_private()
                || ip.is_link_local()
                || (ip.octets()[0] == 100 && (64..128).contains(&ip.octets()[1])) =>
        {
            Some(Near::Private)
        }
        IpAddr::V6(ip) if ip.is_unique_local() || ip.is_unicast_link_local() => Some(Near::Private),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn however_it_is_spelled() {
        for (text, wanted) in [
            ("127.0.0.1", Some(Near::Itself)),
            ("::1", Some(Near::Itself)),
            ("0.0.0.0", Some(Near::Itself)),
            ("10.1.2.3", Some(Near::Private)),
            ("172.31.0.1", Some(Near::Private)),
            ("172.32.0.1", None),
            ("192.168.1.1", Some(Near::Private)),
            ("169.254.169.254", Some(Near::Private)),
            ("100.64.0.1", Some(Near::Private)),
            ("::ffff:10.0.0.1", Some(Near::Private)),
            ("::ffff:8.8.8.8", None),
            ("::127.0.0.1", Some(Near::Itself)),
            ("::", Some(Near::Itself)),
            ("64:ff9b::a00:1", Some(Near::Private)),
            ("64:ff9b::808:808", None),
            ("fd00::1", Some(Near::Private)),
            ("fe80::1", Some(Near::Private)),
            ("2606:4700::1111", None),
            ("8.8.8.8", None),
        ] {
            assert_eq!(near(text.parse().unwrap()), wanted, "{text}");
        }
    }
}
