//! The card's text.

use std::fmt::Write as _;

use scenarios::EventScore;
use scenes::Passing;

use super::Args;
use super::counting::{Crossings, Schemes, Stays};
use super::detection::{ADVERSE, Detection, Line, ORDINARY, Part};
use crate::cli::sweep::plan::fingerprint;
use crate::cli::tally::Figures;
use crate::inference::Model;

/// The goals, each to be held by the lower 95 % bound of the worst cell.
const COUNT_BRIGHT: f64 = 0.98;
const COUNT_DIM: f64 = 0.96;
const AP50: f64 = 0.97;
const ALARMS_PER_1000: f64 = 5.0;
const CROSSINGS_ALONE: f64 = 0.98;
const CROSSINGS_TOGETHER: f64 = 0.97;
const STAYS: f64 = 0.98;

/// What was measured over time.
pub struct Counted {
    pub crossings: Crossings,
    pub schemes: Schemes,
    pub stays: Stays,
}

/// Everything that was measured, in Markdown.
pub fn write(
    args: &Args,
    model: &Model,
    threshold: f64,
    inference: &str,
    detection: &Detection,
    counted: &Counted,
) -> String {
    let Counted { crossings, schemes, stays } = counted;
    let mut page = String::new();
    let command = format!(
        "twin card --out {} --work DIR --pictures {} --crossings {} --stays {}{}{}",
        args.out.display(),
        args.pictures,
        args.crossings,
        args.stays,
        if args.no_schemes { " --no-schemes" } else { "" },
        args.model.as_ref().map(|file| format!(" --model {}", file.display())).unwrap_or_default()
    );
    let _ = write!(
        page,
        "# Model card\n\n\
         Written by a command, never by hand:\n\n```sh\n{command}\n```\n\n\
         | | |\n|---|---|\n\
         | model | {}, {:.2} MB, FNV-1a {:016x} |\n\
         | threshold | {threshold:.2} |\n\
         | inference | {inference} |\n\n\
         The network is trained on random rooms alone ([training/README.md](../../training/README.md)). Here it is judged on the scene\n\
         library: rooms it never saw, and the library's six bodies with their hair and clothes, which random rooms never have. One to ten\n\
         people at random places within the range that guide §6.1 recommends for the height, all standing or walking or all seated; the\n\
         sensor anywhere near the middle. A line of a table pools all rooms and, unless it tells one, both levels of light. *Count accuracy* of a picture is 1 − |counted − true| / true at the model's own threshold; people\n\
         of whom less than 0.3 can be seen may be counted or not. *At least* is the lower bound of 95 %: of a mean by its normal\n\
         distribution, of AP50 by 200 bootstrap draws, of what was never wrong by the rule of three. A goal holds when the bound of the\n\
         worst cell holds.\n\n",
        model.name,
        model.bytes.len() as f64 / 1e6,
        fingerprint(&model.bytes),
    );
    goals(&mut page, detection, crossings, stays);
    let _ = writeln!(page, "## Recommended heights and ranges\n\nScenes: {}.\n", ORDINARY.join(", "));
    let _ = writeln!(page, "### 50 and 300 lx\n");
    table(&mut page, detection, Part::Bright, COUNT_BRIGHT);
    let _ = writeln!(page, "### 20 and 35 lx\n");
    table(&mut page, detection, Part::Dim, COUNT_DIM);
    empty(&mut page, detection);
    adverse(&mut page, detection);
    beyond(&mut page, detection);
    over_time(&mut page, crossings, stays);
    compared(&mut page, schemes);
    if !detection.left_out.is_empty() {
        let _ = writeln!(
            page,
            "Not possible, since something of the room does not fit below: {}.",
            detection.left_out.join("; ")
        );
    }
    page
}

/// The share of `told` in a `whole`, and what it is at least with 95 % (Wilson, 1927).
fn share(matched: u32, of: u32) -> Option<(f64, f64)> {
    if of == 0 {
        return None;
    }
    const Z: f64 = 1.645;
    let (n, p) = (f64::from(of), f64::from(matched) / f64::from(of));
    let middle = p + Z * Z / (2.0 * n);
    let reach = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
    Some((p, ((middle - reach) / (1.0 + Z * Z / n)).max(0.0)))
}

fn percent(value: Option<(f64, f64)>) -> String {
    value.map_or("–".to_owned(), |(mean, least)| format!("{:.1} % (at least {:.1})", 100.0 * mean, 100.0 * least))
}

fn of_part(detection: &Detection, part: Part) -> impl Iterator<Item = (&Line, &Figures)> {
    detection.lines.iter().filter(move |(line, _)| line.part == part)
}

fn goals(page: &mut String, detection: &Detection, crossings: &Crossings, stays: &Stays) {
    let worst = |part: Part, figure: fn(&Figures) -> Option<(f64, f64)>| {
        let bounds = of_part(detection, part).filter_map(|(line, figures)| Some((figure(figures)?.1, line)));
        bounds.min_by(|a, b| a.0.total_cmp(&b.0))
    };
    let _ = writeln!(page, "## Goals\n\n| goal | at least | worst cell | its bound | |\n|---|---|---|---|---|");
    let mut row = |goal: &str, wanted: f64, found: Option<(f64, String)>| {
        let (bound, cell) = match found {
            Some((bound, cell)) => {
                (format!("{:.1} %", 100.0 * bound), (cell, if bound >= wanted { "holds" } else { "**missed**" }))
            }
            None => ("–".to_owned(), ("not measured".to_owned(), "")),
        };
        let _ = writeln!(page, "| {goal} | {:.1} % | {} | {bound} | {} |", 100.0 * wanted, cell.0, cell.1);
    };
    let named = |found: Option<(f64, &Line)>| found.map(|(bound, line)| (bound, place(line)));
    row("count accuracy from 50 lx on", COUNT_BRIGHT, named(worst(Part::Bright, |f| f.count_accuracy)));
    row("AP50 from 50 lx on", AP50, named(worst(Part::Bright, |f| f.ap50)));
    row("count accuracy at 20 to 50 lx", COUNT_DIM, named(worst(Part::Dim, |f| f.count_accuracy)));
    for (passing, line_in, line_out) in &crossings.kinds {
        let wanted = if *passing == Passing::Alone { CROSSINGS_ALONE } else { CROSSINGS_TOGETHER };
        let shares = |score: &EventScore| [share(score.matched, score.told), share(score.matched, score.happened)];
        let names = ["precision of In", "recall of In", "precision of Out", "recall of Out"];
        let all = shares(line_in).into_iter().chain(shares(line_out)).zip(names);
        let found = all.filter_map(|(share, name)| Some((share?.1, name.to_owned())));
        row(&format!("line crossing, {}", passing_words(*passing)), wanted, found.min_by(|a, b| a.0.total_cmp(&b.0)));
    }
    row(
        "stays of 30 min told in one piece",
        STAYS,
        share(stays.unbroken, stays.asked).map(|(_, least)| (least, "all".to_owned())),
    );
    let alarms = of_part(detection, Part::Empty).filter_map(|(line, figures)| Some((figures.alarms_per_1000?.1, line)));
    if let Some((most, line)) = alarms.max_by(|a, b| a.0.total_cmp(&b.0)) {
        let verdict = if most <= ALARMS_PER_1000 { "holds" } else { "**missed**" };
        let _ = writeln!(
            page,
            "| false alarms in 1,000 empty pictures | at most {ALARMS_PER_1000:.0} | {} | {most:.1} | {verdict} |",
            place(line)
        );
    }
    page.push('\n');
}

fn place(line: &Line) -> String {
    if line.part == Part::Empty {
        return format!("{} at all heights", line.lens);
    }
    format!("{} at {} m, {}", line.lens, line.height_mm as f64 / 1e3, line.activity.name())
}

fn table(page: &mut String, detection: &Detection, part: Part, wanted: f64) {
    let _ = writeln!(
        page,
        "| lens | height | posture | pictures | people | count accuracy | AP50 | precision | recall | posture right |\n|---|---|---|---|---|---|---|---|---|---|"
    );
    for (line, figures) in of_part(detection, part) {
        let plain = |value: Option<f64>| value.map_or("–".to_owned(), |value| format!("{:.1} %", 100.0 * value));
        let ap50 = figures.ap50.map_or("–".to_owned(), |(mean, least)| format!("{mean:.3} (at least {least:.3})"));
        let mark = if figures.count_accuracy.is_some_and(|(_, least)| least >= wanted) { "✓ " } else { "" };
        let _ = writeln!(
            page,
            "| {} | {} m | {} | {} | {} | {mark}{} | {ap50} | {} | {} | {} |",
            line.lens,
            line.height_mm as f64 / 1e3,
            line.activity.name(),
            figures.pictures,
            figures.people,
            percent(figures.count_accuracy),
            plain(figures.precision),
            plain(figures.recall),
            plain(figures.posture),
        );
    }
    page.push('\n');
}

fn empty(page: &mut String, detection: &Detection) {
    let _ =
        writeln!(page, "### Nobody there\n\n| lens | pictures | false alarms in 1,000 | at most |\n|---|---|---|---|");
    for (line, figures) in of_part(detection, Part::Empty) {
        let (alarms, most) = figures.alarms_per_1000.unwrap_or_default();
        let _ = writeln!(page, "| {} | {} | {alarms:.1} | {most:.1} |", line.lens, figures.empty);
    }
    page.push('\n');
}

fn adverse(page: &mut String, detection: &Detection) {
    let _ = writeln!(
        page,
        "## What makes it hard\n\nEach adverse scene, with people standing and dressed as its own are, and its clean twin: the same room and light level with \
         lamps\nin place of windows and sun, no mirror, no door, no black floor, and people dressed as anybody of the library.\n\n\
         | scene | pictures | count accuracy | clean twin | lost | AP50 | clean twin |\n|---|---|---|---|---|---|---|"
    );
    for (name, words) in ADVERSE {
        let of = |part: Part| of_part(detection, part).find(|(line, _)| line.scene == name).map(|(_, figures)| figures);
        let (Some(hard), Some(clean)) = (of(Part::Adverse), of(Part::CleanTwin)) else { continue };
        let mean = |value: Option<(f64, f64)>| value.map_or(0.0, |(mean, _)| mean);
        let _ = writeln!(
            page,
            "| {name} ({words}) | {} | {} | {} | {:.1} points | {:.3} | {:.3} |",
            hard.pictures,
            percent(hard.count_accuracy),
            percent(clean.count_accuracy),
            100.0 * (mean(clean.count_accuracy) - mean(hard.count_accuracy)),
            mean(hard.ap50),
            mean(clean.ap50)
        );
    }
    page.push('\n');
}

fn beyond(page: &mut String, detection: &Detection) {
    let _ = writeln!(
        page,
        "## Beyond what is recommended\n\nThe range is that of the nearest recommended height, wider by as much as the ceiling is higher.\n\n\
         | lens | height | light | posture | pictures | count accuracy | AP50 |\n|---|---|---|---|---|---|---|"
    );
    for (line, figures) in of_part(detection, Part::Beyond) {
        let _ = writeln!(
            page,
            "| {} | {} m | {} lx | {} | {} | {} | {:.3} |",
            line.lens,
            line.height_mm as f64 / 1e3,
            line.lux,
            line.activity.name(),
            figures.pictures,
            percent(figures.count_accuracy),
            figures.ap50.map_or(0.0, |(mean, _)| mean)
        );
    }
    page.push('\n');
}

fn passing_words(passing: Passing) -> &'static str {
    match passing {
        Passing::Alone => "one by one",
        Passing::Abreast => "two abreast",
        Passing::Opposite => "two in opposite directions",
        Passing::GroupOfFour => "groups of four",
    }
}

fn over_time(page: &mut String, crossings: &Crossings, stays: &Stays) {
    let _ = writeln!(
        page,
        "## Line crossing\n\nIn the corridor at 3 m, 0.5 to 2 m/s; each crossing is matched with one that happened within 1 s. Bounds are Wilson's.\n\n\
         | | happened | precision of In | recall of In | precision of Out | recall of Out |\n|---|---|---|---|---|---|"
    );
    for (passing, line_in, line_out) in &crossings.kinds {
        let _ = writeln!(
            page,
            "| {} | {} | {} | {} | {} | {} |",
            passing_words(*passing),
            line_in.happened + line_out.happened,
            percent(share(line_in.matched, line_in.told)),
            percent(share(line_in.matched, line_in.happened)),
            percent(share(line_out.matched, line_out.told)),
            percent(share(line_out.matched, line_out.happened)),
        );
    }
    let _ = writeln!(
        page,
        "\nWho crosses is where the feet are: places of tracks are off by {:.2} m in the mean (of those less than 0.7 m from somebody), and would be by {:.2} m\n\
         were people taken to be where their heads are seen.",
        crossings.place.below_head_m, crossings.place.at_head_m
    );
    let _ = writeln!(
        page,
        "\n## Stays\n\nSeated for 30 min in the meeting room and the classroom at 3 m, a region around each chair: {} stays, told in one piece {}.\n",
        stays.asked,
        percent(share(stays.unbroken, stays.asked))
    );
}

fn compared(page: &mut String, schemes: &Schemes) {
    if schemes.scenes.is_empty() {
        return;
    }
    let _ = writeln!(
        page,
        "## Recognition scheme\n\nGuide §5.3.4: *Algorithm 1* for complex environments with many objects, *Algorithm 2* for simple and clean ones. Rooms under their\n\
         own ceilings, people on their chairs or nobody, after 80 s; *too many* is who is counted where nobody is.\n\n\
         | scene | | count accuracy, Algorithm 1 | Algorithm 2 | too many, Algorithm 1 | Algorithm 2 |\n|---|---|---|---|---|---|"
    );
    for (name, kind, [first, second]) in &schemes.scenes {
        let _ = writeln!(
            page,
            "| {name} | {kind} | {:.1} % | {:.1} % | {:.2} | {:.2} |",
            100.0 * first.accuracy,
            100.0 * second.accuracy,
            first.too_many,
            second.too_many
        );
    }
    page.push('\n');
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::cli::sweep::plan::Activity;

    fn figures(count: (f64, f64), ap50: (f64, f64)) -> Figures {
        Figures {
            pictures: 2000,
            people: 9000,
            count_accuracy: Some(count),
            ap50: Some(ap50),
            precision: Some(0.99),
            recall: Some(0.98),
            posture: Some(0.97),
            head_off_px: None,
            empty: 0,
            alarms_per_1000: None,
        }
    }

    fn line(part: Part, scene: &str, height_mm: u64) -> Line {
        let (scene, lens) = (scene.to_owned(), "standard".to_owned());
        Line { part, scene, lens, height_mm, lux: 0, activity: Activity::Seated }
    }

    #[test]
    fn a_goal_holds_when_the_bound_of_its_worst_cell_does() {
        let mut lines = BTreeMap::new();
        lines.insert(line(Part::Bright, "", 2500), figures((0.995, 0.991), (0.98, 0.972)));
        lines.insert(line(Part::Bright, "", 3000), figures((0.99, 0.981), (0.99, 0.969)));
        lines.insert(line(Part::Dim, "", 3000), figures((0.97, 0.959), (0.9, 0.9)));
        lines.insert(line(Part::Adverse, "factor-sun", 3000), figures((0.8, 0.7), (0.8, 0.7)));
        lines.insert(line(Part::CleanTwin, "factor-sun", 3000), figures((0.95, 0.9), (0.9, 0.8)));
        let nobody =
            Figures { pictures: 0, empty: 2000, alarms_per_1000: Some((1.0, 4.9)), ..figures((0.0, 0.0), (0.0, 0.0)) };
        lines.insert(line(Part::Empty, "", 3000), nobody);
        let detection = Detection { lines, left_out: vec!["lobby under 2 m".to_owned()] };
        let all = |matched| EventScore { happened: 500, told: 500, matched };
        let counted = Counted {
            crossings: Crossings {
                kinds: vec![(Passing::Alone, all(500), all(500)), (Passing::Abreast, all(500), all(480))],
                place: Default::default(),
            },
            schemes: Schemes { scenes: vec![] },
            stays: Stays { asked: 0, unbroken: 0 },
        };
        let mut page = String::new();
        goals(&mut page, &detection, &counted.crossings, &counted.stays);
        for row in [
            "| count accuracy from 50 lx on | 98.0 % | standard at 3 m, seated | 98.1 % | holds |",
            "| AP50 from 50 lx on | 97.0 % | standard at 3 m, seated | 96.9 % | **missed** |",
            "| count accuracy at 20 to 50 lx | 96.0 % | standard at 3 m, seated | 95.9 % | **missed** |",
            "| line crossing, one by one | 98.0 % | precision of In | 99.5 % | holds |",
            "| line crossing, two abreast | 97.0 % | precision of Out | 94.3 % | **missed** |",
            "| stays of 30 min told in one piece | 98.0 % | not measured | – |  |",
            "| false alarms in 1,000 empty pictures | at most 5 | standard at all heights | 4.9 | holds |",
        ] {
            assert!(page.lines().any(|line| line == row), "{row}\nis not in\n{page}");
        }
        let mut hard = String::new();
        adverse(&mut hard, &detection);
        assert!(
            hard.contains("| 80.0 % (at least 70.0) | 95.0 % (at least 90.0) | 15.0 points | 0.800 | 0.900 |"),
            "{hard}"
        );
    }

    #[test]
    fn a_share_of_events_has_wilsons_bound() {
        // scipy.stats.binomtest(95, 100, alternative="greater").proportion_ci(0.95, method="wilson")
        let (share_of, least) = share(95, 100).unwrap();
        assert_eq!(share_of, 0.95);
        assert!((least - 0.9008).abs() < 5e-4, "{least}");
        assert_eq!(share(0, 0), None);
        assert!(share(0, 10).unwrap().1.abs() < 1e-12);
    }
}
