/* Jobs of a loop: at most a few run, the others wait in the loop's list. */
#include "net/worker.h"

#include "base/process.h"
#include "net/loop_internal.h"

static void start_waiting(acurast__loop *loop);

static void on_finished(acurast__task *task)
{
    acurast__job *job = ACURAST__CONTAINER(task, acurast__job, finished);
    acurast__loop *loop = job->loop;
    if (job->started) {
        pthread_join(job->thread, NULL);
        loop->workers--;
    }
    job->done(job);
    start_waiting(loop);
    acurast__loop_let(loop);
}

static void *run(void *argument)
{
    acurast__job *job = argument;
    acurast__thread_name("acurast-worker"); /* it would inherit the loop's */
    if (!atomic_load(&job->cancelled))
        job->work(job);
    acurast__loop_post(job->loop, &job->finished);
    return NULL;
}

static void start(acurast__job *job)
{
    job->loop->workers++;
    job->started = true; /* before the thread may finish */
    if (acurast__thread_start(&job->thread, run, job))
        return;
    job->loop->workers--;
    job->started = false;
    acurast__loop_post(job->loop, &job->finished);
}

static void start_waiting(acurast__loop *loop)
{
    while (loop->workers < ACURAST__WORKERS_PER_LOOP && !acurast__list_empty(&loop->jobs)) {
        acurast__list *first = loop->jobs.next;
        acurast__list_remove(first);
        start(ACURAST__CONTAINER(first, acurast__job, link));
    }
}

void acurast__worker_submit(acurast__loop *loop, acurast__job *job)
{
    job->loop = loop;
    job->finished.run = on_finished;
    job->started = false;
    acurast__loop_hold(loop);
    acurast__list_append(&loop->jobs, &job->link);
    start_waiting(loop);
}
