"""The relational steps on a Spark cluster; needs the extra `spark` and Java 17."""
