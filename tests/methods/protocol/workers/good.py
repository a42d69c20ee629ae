"""A worker as the page describes it: the first frame, with the seed as the red of one pixel."""

import kinebench_worker
from PIL import Image

job = kinebench_worker.open_job()
for task in job.tasks():
    with job.attempt(task):
        if not task.driven:
            raise kinebench_worker.Invalid("it must move something")
        names = []
        for number, (x, y) in enumerate(task.path(task.driven[0])):
            picture = Image.open(task.first_frame).convert("RGB")
            picture.putpixel((int(x), int(y)), (task.seed, 0, 0))
            picture.save(task.frame(number))
            names.append(task.frame(number))
        facts = {"prompt": task.condition["prompt"], "options": job.options, "device": job.device, "tiny": job.tiny}
        task.finish(frames=names, timing=8, facts=facts)
