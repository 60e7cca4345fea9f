//! A sweep's figures as a table, for programs, and as a picture, for people.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Context;
use scenarios::{HeatTable, heat_tables};

use super::plan::{Activity, Plan};
use crate::cli::tally::{Figures, Seen};

/// All scenes together, where there are several.
const ALL: &str = "all";

/// How many people there are in a picture, of whom enough can be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Crowding {
    All,
    Few,
    Some,
    Many,
}

impl Crowding {
    fn name(self) -> &'static str {
        match self {
            Crowding::All => ALL,
            Crowding::Few => "1-2",
            Crowding::Some => "3-5",
            Crowding::Many => "6+",
        }
    }

    fn of(people: u32) -> Self {
        match people {
            ..=2 => Crowding::Few,
            3..=5 => Crowding::Some,
            6.. => Crowding::Many,
        }
    }
}

/// Figures of the pictures that have something in common.
pub struct Row {
    key: Key,
    figures: Figures,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    scene: String,
    lens: String,
    /// Millimetres, and thousandths of a lux: numbers that have an order.
    height_mm: u64,
    activity: Activity,
    lux_m: u64,
    crowding: Crowding,
}

/// The rows of all scenes, then of each.
pub fn rows(plan: &Plan, seen: &[Seen], threshold: f64) -> Vec<Row> {
    let mut groups: BTreeMap<Key, Vec<&Seen>> = BTreeMap::new();
    let one_scene = plan.cells.iter().all(|cell| cell.subject.name == plan.cells[0].subject.name);
    for (index, seen) in seen.iter().enumerate() {
        let (cell, _) = plan.picture(index as u64);
        let scenes = if one_scene { vec![cell.subject.name.as_str()] } else { vec![ALL, &cell.subject.name] };
        let crowding = if seen.sure > 0 { vec![Crowding::All, Crowding::of(seen.sure)] } else { vec![Crowding::All] };
        for scene in scenes {
            for &crowding in &crowding {
                let key = Key {
                    scene: scene.to_owned(),
                    lens: cell.lens.clone(),
                    height_mm: (cell.height_m * 1e3).round() as u64,
                    activity: cell.activity,
                    lux_m: (cell.lux * 1e3).round() as u64,
                    crowding,
                };
                groups.entry(key).or_default().push(seen);
            }
        }
    }
    let mut rows: Vec<Row> =
        groups.into_iter().map(|(key, seen)| Row { key, figures: Figures::of(&seen, threshold) }).collect();
    rows.sort_by_key(|row| row.key.scene != ALL);
    rows
}

impl Row {
    /// Of every picture of a height, light and posture.
    pub fn is_of_all(&self) -> bool {
        self.key.crowding == Crowding::All
    }

    /// For people.
    pub fn words(&self) -> String {
        let Row { key, figures } = self;
        let place = format!(
            "{}, {} at {} m, {} lx, {}",
            key.scene,
            key.lens,
            key.height_mm as f64 / 1e3,
            key.lux_m as f64 / 1e3,
            key.activity.name()
        );
        let percent = |value: Option<(f64, f64)>| {
            value.map_or("-".to_owned(), |(mean, least)| {
                format!("{:.1} % (at least {:.1})", 100.0 * mean, 100.0 * least)
            })
        };
        match figures.alarms_per_1000 {
            Some((alarms, most)) if figures.pictures == 0 => {
                format!("{place}: {} pictures, {alarms:.1} false alarms in 1,000 (at most {most:.1})", figures.empty)
            }
            _ => format!(
                "{place}: {} pictures, count accuracy {}, AP50 {:.3}",
                figures.pictures,
                percent(figures.count_accuracy),
                figures.ap50.map_or(0.0, |(mean, _)| mean)
            ),
        }
    }
}

/// One line a row; empty where there is nothing to judge by.
pub fn write_csv(path: &Path, rows: &[Row]) -> anyhow::Result<()> {
    let write = || format!("failed to write {}", path.display());
    let mut file = csv::Writer::from_path(path).with_context(write)?;
    file.write_record([
        "scene",
        "lens",
        "height_m",
        "lux",
        "posture",
        "crowding",
        "pictures",
        "people",
        "count_accuracy",
        "count_accuracy_at_least",
        "ap50",
        "ap50_at_least",
        "precision",
        "recall",
        "posture_accuracy",
        "empty_pictures",
        "false_alarms_per_1000",
        "false_alarms_per_1000_at_most",
    ])?;
    let value = |value: Option<f64>| value.map_or(String::new(), |value| format!("{value:.4}"));
    for Row { key, figures } in rows {
        let (count, ap50, alarms) = (figures.count_accuracy, figures.ap50, figures.alarms_per_1000);
        file.write_record([
            key.scene.clone(),
            key.lens.clone(),
            (key.height_mm as f64 / 1e3).to_string(),
            (key.lux_m as f64 / 1e3).to_string(),
            key.activity.name().to_owned(),
            key.crowding.name().to_owned(),
            figures.pictures.to_string(),
            figures.people.to_string(),
            value(count.map(|pair| pair.0)),
            value(count.map(|pair| pair.1)),
            value(ap50.map(|pair| pair.0)),
            value(ap50.map(|pair| pair.1)),
            value(figures.precision),
            value(figures.recall),
            value(figures.posture),
            figures.empty.to_string(),
            value(alarms.map(|pair| pair.0)),
            value(alarms.map(|pair| pair.1)),
        ])?;
    }
    file.flush().with_context(write)
}

/// Count accuracy, a table for each scene, posture and crowding: heights downwards, light to the right.
pub fn write_picture(path: &Path, rows: &[Row]) -> anyhow::Result<()> {
    let crowdings = [Crowding::All, Crowding::Few, Crowding::Some, Crowding::Many];
    let mut subjects: Vec<(&str, Activity)> = Vec::new();
    for Row { key, figures } in rows {
        let subject = (key.scene.as_str(), key.activity);
        if figures.count_accuracy.is_some() && !subjects.contains(&subject) {
            subjects.push(subject);
        }
    }
    let tables: Vec<HeatTable> = subjects
        .iter()
        .flat_map(|subject| crowdings.map(|crowding| (subject, crowding)))
        .map(|((scene, activity), crowding)| {
            let of_it =
                |row: &&Row| row.key.scene == *scene && row.key.activity == *activity && row.key.crowding == crowding;
            table(scene, *activity, crowding, &rows.iter().filter(of_it).collect::<Vec<_>>())
        })
        .collect();
    let picture = heat_tables("Count accuracy by height of the ceiling and light, %", crowdings.len(), &tables);
    picture.save(path).with_context(|| format!("failed to write {}", path.display()))
}

fn table(scene: &str, activity: Activity, crowding: Crowding, rows: &[&Row]) -> HeatTable {
    let mut shares: BTreeMap<(u64, &str), BTreeMap<u64, f64>> = BTreeMap::new();
    for Row { key, figures } in rows {
        if let Some((accuracy, _)) = figures.count_accuracy {
            shares.entry((key.height_mm, &key.lens)).or_default().insert(key.lux_m, accuracy);
        }
    }
    let columns: BTreeSet<u64> = shares.values().flat_map(|row| row.keys().copied()).collect();
    let people =
        if crowding == Crowding::All { "any number".to_owned() } else { format!("{} people", crowding.name()) };
    HeatTable {
        title: format!("{scene}: {}, {people}", activity.name()),
        columns: columns.iter().map(|lux| format!("{} lx", *lux as f64 / 1e3)).collect(),
        rows: shares
            .into_iter()
            .map(|((height, _), row)| {
                let cells = columns.iter().map(|lux| row.get(lux).copied()).collect();
                (format!("{:.1} m", height as f64 / 1e3), cells)
            })
            .collect(),
    }
}
