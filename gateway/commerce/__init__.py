"""Use cases by noun: functions of a connection, model values and the time."""
