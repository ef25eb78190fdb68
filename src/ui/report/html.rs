//! An audit as one HTML page that needs nothing else: no address is loaded, and without scripts only the filter is missing.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{Audit, by_subject, text};
use crate::domain::finding::{Finding, Verdict};
use crate::domain::time::day_and_clock;

const STYLE: &str = include_str!("../../../assets/report/style.css");
const SCRIPT: &str = include_str!("../../../assets/report/filter.js");

pub fn page(audit: &Audit) -> String {
    let groups = by_subject(audit.findings.iter().copied());
    let title = format!("studiolink audit, {}, {}", audit.account(), audit.region());
    let whole = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { "studiolink audit" }
                    p {
                        "Account " (audit.account()) ", region " (audit.region()) ", " time datetime=(audit.at.to_string()) { (day_and_clock(audit.at)) }
                        ", studiolink " (env!("CARGO_PKG_VERSION"))
                    }
                    p.ended { (audit.ended()) }
                    @if let Some(drift) = &audit.drift { pre.drift { (drift) } }
                    ul.counts { @for (verdict, count) in counts(audit) {
                        li { (badge(verdict)) " " (count) }
                    } }
                    form.filter hidden {
                        label { "Show " input type="search" name="words" placeholder="words, a check, a subject"; }
                        label { input type="checkbox" name="wrong"; " only what is not OK" }
                        output {}
                    }
                }
                @if let Some(svg) = &audit.svg {
                    section.connections { h2 { "Connections" } (PreEscaped(svg)) }
                }
                main {
                    @for group in &groups {
                        @if let Some(first) = group.first() {
                            section.subject {
                                h2 { (first.name) }
                                p.id { (first.subject.id()) }
                                @for finding in group { (one(finding)) }
                            }
                        }
                    }
                }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    whole.into_string()
}

/// The word stays a word; its colour only repeats it.
fn badge(verdict: Verdict) -> Markup {
    html! { span class={ "verdict " (verdict.id()) } { (verdict.word()) } }
}

fn counts(audit: &Audit) -> Vec<(Verdict, usize)> {
    let count = |v: Verdict| audit.findings.iter().filter(|f| f.verdict == v).count();
    let all = Verdict::ALL.into_iter().map(|v| (v, count(v)));
    all.filter(|(_, n)| *n > 0).collect()
}

fn one(finding: &Finding) -> Markup {
    let evidence = text::evidence(finding, true);
    html! {
        article.finding data-verdict=(finding.verdict.id()) {
            p.said {
                (badge(finding.verdict)) " " (finding.message)
                @if let Some(since) = finding.since { " " span.since { (since.word()) } }
            }
            @if finding.why.is_some() || finding.fix.is_some() {
                dl {
                    @if let Some(why) = &finding.why { dt { "why" } dd { (why) } }
                    @if let Some(fix) = &finding.fix { dt { "fix" } dd { (fix) } }
                }
            }
            details {
                summary { "check " code { (finding.check) } ", code " code { (finding.code) }
                    @if let Some(item) = &finding.item { ", " (item) } }
                p { "Rests on " (finding.grade.word()) ", seen from " (finding.vantage.word()) "." }
                @if !finding.details.is_empty() { pre { @for line in &finding.details { (line) "\n" } } }
                @if !evidence.is_empty() { ul.evidence { @for line in &evidence { li { (line) } } } }
            }
        }
    }
}
