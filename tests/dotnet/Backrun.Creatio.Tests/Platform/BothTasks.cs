using System;
using System.Threading.Tasks;

// Files that import both: inside the namespace Terrasoft's is the nearer one, and the other needs its name.
namespace Usr.Inside {
	using Terrasoft.Configuration;
	using Terrasoft.Core.Tasks;

	public class Pinger : IBackgroundTask<string> {
		public void Run(string parameters) => Happened.Note("inside", parameters);

		public static async System.Threading.Tasks.Task StartAsync() {
			await System.Threading.Tasks.Task.Yield();
			Task.StartNew<Pinger, string>("from inside");
		}
	}
}
