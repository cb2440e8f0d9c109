import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** A thread-local of a pooled thread that was there at the start, and tasks that are due later. */
final class PooledThread extends Victim {
    private static final ThreadLocal<String> LOCAL = new ThreadLocal<>();
    private static final AtomicInteger RAN = new AtomicInteger();
    private final ExecutorService pool = Executors.newFixedThreadPool(1, PooledThread::daemon);
    private final ScheduledThreadPoolExecutor later = new ScheduledThreadPoolExecutor(1, PooledThread::daemon);

    PooledThread() throws Exception {
        pool.submit(RAN::get).get();
        later.submit(RAN::get).get();
    }

    private static Thread daemon(Runnable work) {
        Thread thread = new Thread(work);
        thread.setDaemon(true);
        return thread;
    }

    @Override
    String handle(String secret) throws Exception {
        Future<String> before = pool.submit(() -> {
            String found = LOCAL.get();
            LOCAL.set(secret);
            return found;
        });
        String seen = "{\"local\":\"" + before.get() + "\",\"queued\":" + later.getQueue().size() + ",\"ran\":"
                + (RAN.get() > 0) + "}";
        later.schedule(RAN::incrementAndGet, 1, TimeUnit.HOURS);
        pool.submit(RAN::incrementAndGet);
        return seen;
    }

    public static void main(String[] arguments) throws Exception {
        new PooledThread().run();
    }
}
