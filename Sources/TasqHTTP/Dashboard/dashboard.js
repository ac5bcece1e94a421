// Keeps the page as the server would draw it now. Without this the page is as complete, and still.
"use strict";
(() => {
    const live = document.getElementById("live");
    // What scrolls by itself.
    const boxes = "pre, .table";
    let isOpen = false;
    let isFresh = true;
    let waiting = false;
    let missed = false;

    // Only while news come and the latest look succeeded.
    function tell() {
        const isLive = isOpen && isFresh;
        live.textContent = isLive ? "live" : "not live";
        live.className = isLive ? "on" : "";
    }

    async function redraw() {
        const answer = await fetch(location.href, { credentials: "same-origin" });
        if (answer.redirected) throw new Error("logged out");
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const state = page.getElementById("state");
        // Put in anew it would be read out anew.
        const shown = document.getElementById("state");
        if (state && state.textContent !== shown.textContent) {
            shown.replaceWith(document.adoptNode(state));
        }
        // What was there is of more use than a page that says why there is none.
        if (!answer.ok) throw new Error("no page");
        const next = page.querySelector("main");
        const now = document.querySelector("main");
        const focus = now.contains(document.activeElement) ? document.activeElement : null;
        const typing = focus && focus.tagName !== "A";
        // Nor is a form taken away from under who fills it in or is about to send it.
        const still = "still" in now.dataset;
        // Nor what somebody marks, to copy it.
        const marking = !getSelection().isCollapsed;
        // What was done was told once.
        next?.querySelector(".note")?.removeAttribute("role");
        if (!next || typing || still || marking || next.isEqualNode(now)) return;
        const places = [...now.querySelectorAll(boxes)].map((box) => [box.scrollLeft, box.scrollTop]);
        now.replaceWith(document.adoptNode(next));
        // Nobody loses the place in what is long, nor the link the keyboard has come to.
        next.querySelectorAll(boxes).forEach((box, index) => {
            [box.scrollLeft, box.scrollTop] = places[index] ?? [0, 0];
        });
        const target = focus?.getAttribute("href");
        const link = [...next.querySelectorAll("a")].find((one) => one.getAttribute("href") === target);
        if (focus && link) link.focus({ preventScroll: true });
    }

    addEventListener("input", (event) => {
        const main = event.target.closest("main");
        if (main) main.dataset.still = "";
    });

    // Once is enough: a second press would replay an event a second time.
    addEventListener("submit", (event) => {
        if (event.target.method !== "post") return;
        const buttons = event.target.querySelectorAll("button");
        setTimeout(() => buttons.forEach((button) => { button.disabled = true; }));
    });
    // Back from a browser's memory, where nothing of this goes on.
    addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

    // At most once in two seconds, however much happens.
    function soon() {
        if (waiting) { missed = true; return; }
        waiting = true;
        redraw().then(() => { isFresh = true; }, () => { isFresh = false; }).finally(() => {
            tell();
            setTimeout(() => {
                waiting = false;
                if (missed) { missed = false; soon(); }
            }, 2000);
        });
    }

    const stream = new EventSource("/v1/stream");
    for (const name of ["start", "success", "fail", "retry", "cancelled", "back", "queues", "gap", "idle"]) {
        stream.addEventListener(name, soon);
    }
    stream.onopen = () => { isOpen = true; tell(); };
    stream.onerror = () => { isOpen = false; tell(); };
    // Also when nothing comes, as while PostgreSQL is away: ages grow, and the page says so.
    const clock = setInterval(soon, 10000);
    addEventListener("pagehide", () => { stream.close(); clearInterval(clock); });
})();
