import groundhog.Groundhog;
import java.io.IOException;
import java.nio.file.*;
import java.util.List;
import java.util.StringJoiner;

public final class Hooked {
    static final StringJoiner order = new StringJoiner(" ");

    public static void main(String[] arguments) {
        if (arguments.length > 1) {
            Groundhog.beforeSnapshot(() -> {
                throw new IOException(arguments[1]);
            });
        }
        Groundhog.beforeSnapshot(() -> order.add("before-1"));
        Groundhog.beforeSnapshot(() -> order.add("before-2"));
        Path log = Path.of((arguments.length > 0 ? arguments[0] : "") + ".log");
        if (Files.exists(log)) { // no hook where nobody reads what it has seen
            Groundhog.beforeRestore(() -> Files.write(log, List.of(order.toString()), StandardOpenOption.APPEND));
            Groundhog.beforeRestore(() -> {
                if (Files.exists(Path.of(arguments[0] + ".fails"))) {
                    throw new IOException("nobody listens");
                }
            });
            Groundhog.beforeRestore(() -> order.add("finish"));
        }
        Groundhog.afterRestore(() -> order.add("after-1"));
        Groundhog.afterRestore(() -> {
            order.add("after-2");
            if (Files.exists(Path.of(arguments[0]))) {
                throw new IOException("a hook has failed");
            }
        });
        Groundhog.serve(request -> {
            if (request.contains("fail")) {
                throw new IllegalStateException("said \"no\"\n");
            }
            System.out.print("out of " + request.length());
            System.err.print("err");
            return "{\"order\":\"" + order + "\",\n\"pid\":" + ProcessHandle.current().pid() + "}";
        });
    }
}
