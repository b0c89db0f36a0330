//! The drills: the one that goes on, and the last ones with what callers got.

use crate::ledger::sql::Sql;
use crate::policy::drill::Drill;

/// How many drills are remembered.
const DRILLS: u32 = 20;

/// Begins a drill; whichever went on before ends.
pub fn begin<S: Sql>(sql: &S, drill: &Drill) -> Result<(), S::Error> {
    end(sql, drill.since)?;
    sql.run(
        "INSERT INTO drills (id, spec, until) VALUES (?, ?, CAST(? AS INTEGER))",
        &[
            drill.id.clone(),
            serde_json::to_string(drill).unwrap_or_default(),
            drill.until.to_string(),
        ],
    )?;
    let old = format!("SELECT id FROM drills WHERE n <= (SELECT MAX(n) FROM drills) - {DRILLS}");
    for row in sql.run(&old, &[])? {
        let id: Vec<String> = row.into_iter().flatten().collect();
        sql.run("DELETE FROM drilled WHERE drill = ?", &id)?;
        sql.run("DELETE FROM drills WHERE id = ?", &id)?;
    }
    Ok(())
}

/// Ends the drill that goes on, if one does.
pub fn end<S: Sql>(sql: &S, now: u64) -> Result<(), S::Error> {
    let now = now.to_string();
    sql.run(
        "UPDATE drills SET until = CAST(? AS INTEGER) WHERE until > CAST(? AS INTEGER)",
        &[now.clone(), now],
    )?;
    Ok(())
}

/// The drill that goes on now.
pub fn present<S: Sql>(sql: &S, now: u64) -> Result<Option<Drill>, S::Error> {
    let rows = sql.run(
        "SELECT spec FROM drills WHERE until > CAST(? AS INTEGER) ORDER BY n DESC LIMIT 1",
        &[now.to_string()],
    )?;
    let spec = rows.into_iter().flatten().flatten().next();
    Ok(spec.and_then(|text| serde_json::from_str(&text).ok()))
}
