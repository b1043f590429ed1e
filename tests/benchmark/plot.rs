//! The picture of the tokens that were taken from each bucket over time: a lane a bucket, as an SVG that is readable on light
//! and on dark pages.

use std::fmt::Write as _;

use crate::fake_aws::{Bucket, Buckets};
use crate::makespan::{number, seconds};

const WIDTH: f64 = 960.0;
/// Of the names to the left of the lanes, and of the figures to the right of them.
const LEFT: f64 = 190.0;
const RIGHT: f64 = 120.0;
const HEAD: f64 = 64.0;
const FOOT: f64 = 48.0;
const LANE: f64 = 56.0;
const GAP: f64 = 14.0;
/// The steps of a lane.
const BINS: u32 = 160;
/// A lane is so many times as high as its refill, or less: what a burst takes beyond that is cut off.
const HIGHEST: f64 = 2.0;

const STYLE: &str = "
  .page { fill: #ffffff } .text { fill: #1f2328 } .soft { fill: #59636e } .axis { stroke: #d1d9e0 }
  .used { fill: #4493f8; fill-opacity: .75 } .refill { stroke: #59636e; stroke-dasharray: 4 3 }
  .throttled { fill: #d1242f } .idle { fill: #bf8700 }
  text { font: 12px system-ui, sans-serif } .title { font-size: 15px; font-weight: 600 } .name { font-weight: 600 }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117 } .text { fill: #f0f6fc } .soft { fill: #9198a1 } .axis { stroke: #3d444d }
    .refill { stroke: #9198a1 } .throttled { fill: #f85149 } .idle { fill: #d29922 }
  }
";

/// Draws what was taken in so many seconds.
pub(crate) fn plot(title: &str, buckets: &Buckets, took: u64) -> String {
    let drawn: Vec<&Bucket> = buckets.all.values().filter(|bucket| bucket.used() > 0).collect();
    let height = HEAD + number(drawn.len()) * (LANE + GAP) + FOOT;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{title}\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n\
         <rect class=\"page\" width=\"{WIDTH}\" height=\"{height}\"/>\n\
         <text class=\"title text\" x=\"16\" y=\"26\">{title}</text>\n\
         <text class=\"soft\" x=\"16\" y=\"46\">Blue: tokens taken a second. Dashed: tokens that come a second. \
         Red: calls were throttled. Yellow: a token was there, somebody waited, nobody took it.</text>\n"
    );
    for (n, bucket) in drawn.iter().enumerate() {
        let top = HEAD + number(n) * (LANE + GAP);
        lane(&mut svg, bucket, top, took);
    }
    axis(&mut svg, height - FOOT, took);
    svg += "</svg>\n";
    svg
}

fn lane(svg: &mut String, bucket: &Bucket, top: f64, took: u64) {
    let limit = bucket.limit;
    let (bottom, width) = (top + LANE, (WIDTH - LEFT - RIGHT) / f64::from(BINS));
    let length = seconds(took.max(1)) / f64::from(BINS);
    let taken = |n: u32| {
        let within = |time: u64| bin(time, took) == n;
        let drawn = bucket.drawn.iter().filter(|(time, _)| within(**time));
        number(drawn.map(|(_, calls)| calls).sum()) / length
    };
    let rates: Vec<f64> = (0..BINS).map(taken).collect();
    let highest = rates.iter().copied().fold(limit.rate, f64::max);
    let highest = highest.min(limit.rate * HIGHEST);
    let y = |rate: f64| bottom - LANE * (rate / highest).min(1.0);
    let mut path = format!("M{LEFT} {bottom:.0}");
    for (n, rate) in (0..).zip(&rates) {
        let _ = write!(path, "V{:.1}H{:.1}", y(*rate), LEFT + width * f64::from(n + 1));
    }
    let _ = write!(path, "V{bottom:.0}Z");
    let all = limit.burst + limit.rate * seconds(took);
    let right = WIDTH - RIGHT;
    let _ = write!(
        svg,
        "<g>\n<text class=\"name text\" x=\"16\" y=\"{:.0}\">{}</text>\n\
         <text class=\"soft\" x=\"16\" y=\"{:.0}\">{} a second, {} at once</text>\n\
         <path class=\"used\" d=\"{path}\"/>\n\
         <line class=\"refill\" x1=\"{LEFT}\" x2=\"{right}\" y1=\"{refill:.1}\" y2=\"{refill:.1}\"/>\n\
         <line class=\"axis\" x1=\"{LEFT}\" x2=\"{right}\" y1=\"{bottom:.0}\" y2=\"{bottom:.0}\"/>\n\
         <text class=\"text\" x=\"{:.0}\" y=\"{:.0}\">{} taken</text>\n\
         <text class=\"soft\" x=\"{:.0}\" y=\"{:.0}\">{:.0} % of all</text>\n",
        top + 24.0,
        limit.name,
        top + 42.0,
        limit.rate,
        limit.burst,
        right + 10.0,
        top + 24.0,
        crate::count(bucket.used()),
        right + 10.0,
        top + 42.0,
        100.0 * number(bucket.used()) / all,
        refill = y(limit.rate),
    );
    let throttled = bucket.throttled.keys().map(|(time, _)| *time);
    marks(svg, "throttled", throttled, top - 6.0, took);
    marks(svg, "idle", bucket.idle.iter().copied(), top - 3.0, took);
    *svg += "</g>\n";
}

/// The step of a lane that a second is in.
fn bin(time: u64, took: u64) -> u32 {
    let bin = time * u64::from(BINS) / took.max(1);
    u32::try_from(bin).unwrap().min(BINS - 1)
}

fn marks(svg: &mut String, class: &str, times: impl Iterator<Item = u64>, y: f64, took: u64) {
    let mut bins: Vec<u32> = times.map(|time| bin(time, took)).collect();
    bins.sort_unstable();
    bins.dedup();
    let width = (WIDTH - LEFT - RIGHT) / f64::from(BINS);
    for n in bins {
        let x = LEFT + width * f64::from(n);
        let _ = writeln!(
            svg,
            "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.0}\" width=\"{width:.1}\" height=\"3\"/>"
        );
    }
}

/// Minutes, at most a dozen of them labelled.
fn axis(svg: &mut String, y: f64, took: u64) {
    let steps = [60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400];
    let step = steps.into_iter().find(|step| took / step <= 12).unwrap_or(28_800);
    let scale = (WIDTH - LEFT - RIGHT) / seconds(took.max(1));
    let mut time = 0;
    while time <= took {
        let x = LEFT + scale * seconds(time);
        let _ = writeln!(
            svg,
            "<text class=\"soft\" x=\"{x:.0}\" y=\"{:.0}\" text-anchor=\"middle\">{} min</text>",
            y + 16.0,
            time / 60
        );
        time += step;
    }
}
