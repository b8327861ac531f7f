"""Read many pictures: the command `tendigits read`, a pool of processes, tables of Parquet files, and Ray."""
