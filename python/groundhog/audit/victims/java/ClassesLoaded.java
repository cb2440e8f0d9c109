import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/** Classes loaded and made by a request, their static initialisers, and loaders that keep them alive. */
final class ClassesLoaded extends Victim {
    static int initialised;
    private static final List<Object> KEPT = new ArrayList<>();

    static final class Late {
        static String holds = "nothing";

        static {
            initialised++;
        }
    }

    @Override
    String handle(String secret) throws Exception {
        String seen = "{\"initialised\":" + initialised + ",\"kept\":" + KEPT.size() + ",\"late\":"
                + (initialised > 0 ? "\"" + Late.holds + "\"" : "null") + "}";
        Late.holds = secret;
        Object made = Proxy.newProxyInstance(
                new ClassLoader(ClassesLoaded.class.getClassLoader()) { },
                new Class<?>[] {Supplier.class},
                (proxy, method, arguments) -> method.getName().equals("get") ? secret : null);
        KEPT.add(made);
        KEPT.add(Class.forName("java.util.concurrent.Phaser"));
        return seen;
    }

    public static void main(String[] arguments) throws Exception {
        new ClassesLoaded().run();
    }
}
