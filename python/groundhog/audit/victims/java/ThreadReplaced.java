import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** A pooled thread of the start that dies of an exception, and the one that its pool puts in its place. */
final class ThreadReplaced extends Victim {
    private final ExecutorService pool = Executors.newFixedThreadPool(1, work -> {
        Thread thread = new Thread(work, "worker");
        thread.setDaemon(true);
        thread.setUncaughtExceptionHandler((which, error) -> { });
        return thread;
    });
    private int replaced;

    ThreadReplaced() throws Exception {
        pool.submit(() -> 0).get();
    }

    @Override
    String handle(String secret) throws Exception {
        String name = pool.submit(() -> Thread.currentThread().getName()).get();
        String seen = "{\"name\":\"" + name + "\",\"replaced\":" + replaced + "}";
        Thread before = pool.submit(Thread::currentThread).get();
        pool.execute(() -> {
            throw new IllegalStateException(secret);
        });
        before.join();
        pool.submit(() -> 0).get();
        replaced++;
        return seen;
    }

    public static void main(String[] arguments) throws Exception {
        new ThreadReplaced().run();
    }
}
