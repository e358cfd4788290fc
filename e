ppthreads analyze: g11.csv: cannot be read: open: ENOENT (No such file or directory)
