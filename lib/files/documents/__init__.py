"""Files that are no plain text of rows: JSON, workbooks, web pages, Parquet, Arrow."""
