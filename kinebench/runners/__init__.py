"""Ways to spread samples over processes. Every runner calls `kinebench.pipeline.make_sample` in its workers."""
