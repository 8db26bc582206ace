"""The instrument: identifies the machine, measures, decides and reports."""
