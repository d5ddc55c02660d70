"""Running a build: dbt in a process of its own, what it says while it works, and what happens when it is stopped."""
